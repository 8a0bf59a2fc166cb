#!/usr/bin/env node
import process from 'node:process'

// Before anything else is even loaded: without a handler, SIGUSR1 has Node open a debugger on loopback, through which
// every user of the machine can read keys (https://nodejs.org/api/process.html#signal-events).
process.on('SIGUSR1', () => undefined)

const { runCommand } = await import('../lib/commands/program.ts')

process.exitCode = await runCommand(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  now: () => new Date(),
})
