"""Which patterns match which events, by a matcher of others: `moto` or `localstack`.

Reads {"patterns": [text], "events": [event]}, writes for each event the numbers of the patterns that match it.
"""

import json
import sys
import types


def moto():
    from moto.events.models import EventPattern

    return lambda text: EventPattern.load(text).matches_event


def localstack():
    # All that the matcher needs of the rest of LocalStack is an exception.
    api = types.ModuleType("localstack.aws.api.events")
    api.InvalidEventPatternException = type("InvalidEventPatternException", (Exception,), {})
    for name in ["localstack.aws", "localstack.aws.api"]:
        sys.modules[name] = types.ModuleType(name)
    sys.modules["localstack.aws.api.events"] = api
    from localstack.services.events.event_rule_engine import EventPatternCompiler, EventRuleEngine

    compiler, engine = EventPatternCompiler(), EventRuleEngine()

    def load(text):
        pattern = compiler.compile_event_pattern(text)
        return lambda event: engine.evaluate_pattern_on_event(pattern, event)

    return load


load = {"moto": moto, "localstack": localstack}[sys.argv[1]]()
asked = json.load(sys.stdin)
patterns = [load(text) for text in asked["patterns"]]
matched = [[number for number, matches in enumerate(patterns) if matches(event)] for event in asked["events"]]
json.dump(matched, sys.stdout)
