import t, { type Test } from 'tap'
import { createSite, type Site, type SiteOptions, type UpstreamName } from './proxy.ts'

type SiteTest = (t: Test, site: Site) => Promise<void>

/**
 * Runs a test before a provider, if this machine has it.
 *
 * All that waits is inside of the one test: tap ends a file that has none running for a moment.
 */
export const testAt = (
  upstream: UpstreamName,
  test: SiteTest,
  options: SiteOptions = {},
): Promise<unknown> =>
  t.test(upstream, async t => {
    const site = await createSite(upstream, options)
    if ('lacks' in site) {
      t.ok(true, upstream, { skip: site.lacks })
      return
    }
    t.teardown(() => site.is.close())
    await test(t, site.is)
  })

/** Runs a test before each of these providers, one after the other. */
export const testAtEach = async (
  upstreams: readonly UpstreamName[],
  test: SiteTest,
  options: SiteOptions = {},
): Promise<void> => {
  for (const upstream of upstreams) await testAt(upstream, test, options)
}
