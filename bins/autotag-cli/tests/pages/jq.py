"""The options of jq that the pages use, over jq's own library."""

import json
import signal
import sys

import jq

# `head` closes the pipe early.
signal.signal(signal.SIGPIPE, signal.SIG_DFL)

options = {letter for word in sys.argv[1:] if word.startswith("-") for letter in word[1:]}
program, *files = [word for word in sys.argv[1:] if not word.startswith("-")]
text = "".join(open(name, encoding="utf-8").read() for name in files) if files else sys.stdin.read()
compiled = jq.compile(program)
given = compiled.input_text(text, slurp="s" in options)
for value in given.all():
    if "r" in options and isinstance(value, str):
        print(value)
    else:
        print(json.dumps(value, ensure_ascii=False, indent=None if "c" in options else 2,
                         separators=(",", ":") if "c" in options else None))
