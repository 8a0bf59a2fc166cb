import fc from 'fast-check'
import t from 'tap'
import { amzDate, parseAmzDate, scopeText } from '../../lib/sigv4/scope.ts'

t.test('a scope is written as AWS writes it', async t => {
  const scope = { date: '20130524', region: 'us-east-1', service: 's3' }
  t.equal(scopeText(scope), '20130524/us-east-1/s3/aws4_request')
})

t.test('a date reads as it is written', async t => {
  t.equal(amzDate(new Date('2013-05-24T00:00:00.999Z')), '20130524T000000Z')
  const dates = fc.date({
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59Z'),
    noInvalidDate: true,
  })
  fc.assert(
    fc.property(dates, date => {
      const seconds = Math.floor(date.getTime() / 1000) * 1000
      return parseAmzDate(amzDate(date))?.getTime() === seconds
    }),
  )
})

t.test('a date in another form, or one that does not exist, is none', async t => {
  for (const text of [
    '',
    '20130524',
    '2013-05-24T00:00:00Z',
    '20130524T000000',
    '20130524T000000z',
    ' 20130524T000000Z',
    '20130524T000000Z,20130524T000000Z',
    '20130230T000000Z',
    '20131301T000000Z',
    '20130524T240000Z',
    '20130524T006000Z',
  ]) {
    t.equal(parseAmzDate(text), undefined, text)
  }
})
