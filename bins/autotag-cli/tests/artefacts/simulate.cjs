// Decides requests by policies: `[{simulation}, ...]` comes in, `["yes" | "no" | "no (policy)" | "no (SCP)", ...]` goes out.
const { readFileSync } = require('node:fs')
const { runSimulation } = require('@cloud-copilot/iam-simulate')

async function verdict(simulation) {
  const response = await runSimulation(simulation, {})
  // An ARN with a star in it is decided for each type of resource that it may be.
  const results = response.resultType === 'wildcard' ? response.results : [response.result]
  if (response.resultType === 'error' || results.length !== 1) {
    throw new Error(`${JSON.stringify(simulation.request)}: ${JSON.stringify(response)}`)
  }
  const { analysis } = results[0]
  if (analysis.result === 'Allowed') return 'yes'
  if (analysis.scpAnalysis?.result === 'ExplicitlyDenied') return 'no (SCP)'
  if (analysis.identityAnalysis?.result === 'ExplicitlyDenied') return 'no (policy)'
  return 'no'
}

async function main() {
  const verdicts = []
  for (const simulation of JSON.parse(readFileSync(0, 'utf8'))) verdicts.push(await verdict(simulation))
  process.stdout.write(JSON.stringify(verdicts))
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
