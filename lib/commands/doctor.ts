import { randomBytes } from 'node:crypto'
import { type Diagnosis, examine, settingFindings } from '../doctor/doctor.ts'
import type { Finding } from '../doctor/finding.ts'
import type { Io } from './io.ts'
import { EXIT } from './run.ts'
import { parseBucketUrl, type SpeakingOptions, speaking } from './speaking.ts'
import { table } from './text.ts'

export interface DoctorOptions extends SpeakingOptions {
  readonly fix?: boolean
  readonly json?: boolean
}

const rowOf = ({ check, outcome, seen }: Finding): readonly string[] => [outcome, check, seen]

const remedyLines = (findings: readonly Finding[]): string =>
  findings
    .flatMap(({ check, remedy }) => (remedy === undefined ? [] : [`${check}: ${remedy}\n`]))
    .join('')

const settingsLine = ({ settings: { copy, etag } }: Diagnosis): string => {
  const measured = [copy && `copy: ${copy}`, etag && `etag: ${etag}`].filter(Boolean)
  return measured.length === 0 ? '' : `\nmeasured: { ${measured.join(', ')} }\n`
}

const asText = (diagnosis: Diagnosis, findings: readonly Finding[]): string => {
  const remedies = remedyLines(findings)
  return `${table(findings.map(rowOf))}${settingsLine(diagnosis)}${remedies && `\n${remedies}`}`
}

/** The command `doctor`: tries out at the real provider all that the proxy relies on. */
export const doctor = (url: string | undefined, options: DoctorOptions, io: Io): Promise<number> =>
  speaking(options, io, async ({ exchange }) => {
    const place = url === undefined ? undefined : parseBucketUrl(url)
    const diagnosis = await examine({
      exchange,
      bucket: place?.bucket,
      prefix: place?.prefix ?? '',
      fix: options.fix === true,
      now: io.now,
      random: () => randomBytes(6).toString('hex'),
    })
    const findings = [...diagnosis.findings, ...settingFindings(exchange, diagnosis.settings)]
    io.stdout.write(
      options.json
        ? findings.map(finding => `${JSON.stringify(finding)}\n`).join('')
        : asText(diagnosis, findings),
    )
    return findings.some(({ outcome }) => outcome === 'fault') ? EXIT.found : EXIT.ok
  })
