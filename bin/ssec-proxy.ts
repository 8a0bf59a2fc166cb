#!/usr/bin/env node
import process from 'node:process'
import { runCommand } from '../lib/commands/program.ts'

process.exitCode = await runCommand(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  now: () => new Date(),
})
