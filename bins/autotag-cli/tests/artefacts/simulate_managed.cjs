// Decides requests of principals that have one managed policy each: `{policies: {name: document}, groups: [[{request, policy}, ...], ...]}`
// comes in, `[0, null, ...]` goes out: the first request of each group that is allowed. What AWS would not accept as a request is not.
const { readFileSync } = require('node:fs')
const { runSimulation } = require('@cloud-copilot/iam-simulate')

async function allowed(policies, { request, policy }) {
  const simulation = {
    request,
    identityPolicies: [{ name: policy, policy: policies[policy] }],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
  }
  const response = await runSimulation(simulation, {})
  return response.resultType === 'single' && response.result.analysis.result === 'Allowed'
}

async function first(policies, group) {
  for (const [index, simulation] of group.entries()) if (await allowed(policies, simulation)) return index
  return null
}

async function main() {
  const { policies, groups } = JSON.parse(readFileSync(0, 'utf8'))
  const answers = []
  for (const group of groups) answers.push(await first(policies, group))
  process.stdout.write(JSON.stringify(answers))
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
