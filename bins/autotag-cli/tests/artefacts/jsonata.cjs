// What the state with JSONata of a state machine answers: {state, cases: [{start, input}, ...]} comes in, a list of outputs goes out.
const { readFileSync } = require('node:fs')
const jsonata = require('jsonata')

async function output (value, states) {
  if (Array.isArray(value)) return Promise.all(value.map((item) => output(item, states)))
  if (typeof value === 'object') {
    const members = Object.entries(value).map(async ([name, item]) => [name, await output(item, states)])
    return Object.fromEntries(await Promise.all(members))
  }
  const expression = /^{%(.*)%}$/s.exec(value)
  return expression ? jsonata(expression[1]).evaluate(undefined, { states }) : value
}

async function main () {
  const { state, cases } = JSON.parse(readFileSync(0, 'utf8'))
  const answers = cases.map(({ start, input }) => {
    const states = { input, context: { Execution: { StartTime: start } } }
    return output(state.Output, states)
  })
  process.stdout.write(JSON.stringify(await Promise.all(answers)))
}

main()
