// Whether a state machine is one, in Amazon's language: its definition comes in, what is wrong with it goes out.
const { readFileSync } = require('node:fs')
const validate = require('asl-validator')

const { isValid, errorsText } = validate(JSON.parse(readFileSync(0, 'utf8')))
process.stdout.write(isValid ? '' : errorsText('\n'))
