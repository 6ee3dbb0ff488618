//! Texts of the help beside the options: the group of each command, its examples, and the page that tells more.

/// The groups of the top help, each with its commands in order.
pub(super) const GROUPS: &[(&str, &[&str])] = &[
    (
        "Find owners, change nothing",
        &["plan", "explain", "identify", "whois", "report", "sessions", "catalog"],
    ),
    ("Write tags", &["apply", "reconcile", "redrive"]),
    ("Deploy and check", &["init", "policy", "estimate", "generate", "guard", "deploy", "doctor", "ledger"]),
    ("The program", &["schema", "completions"]),
];

/// Exit codes and environment, for the end of the top help.
pub(super) const ENDING: &str = "\
Exit codes:
  0  done
  1  failed, or something could not be read or done; the rest was done
  2  wrong usage or configuration; nothing was done
  3  done, and found more than --fail-on allows

Environment:
  NO_COLOR        no colours, if it is set and not empty
  CLICOLOR_FORCE  colours also where the output is not a terminal
  COLUMNS         width of tables, if the terminal does not know it
  AWS_PROFILE, AWS_REGION, ...
                  credentials and region, as for the tools of AWS

Data goes to the standard output; progress, summary and errors go to the standard error.
The help of each command has examples: autotag plan --help";

/// An example: what it does, and the command.
pub(super) type Example = (&'static str, &'static str);

/// The end of the long help of one command.
#[derive(Debug)]
pub(super) struct Page {
    /// The command, with the commands above it: `ledger import`.
    pub(super) command: &'static str,
    pub(super) examples: &'static [Example],
    /// The page of the documentation.
    pub(super) more: &'static str,
}

const fn page(command: &'static str, more: &'static str, examples: &'static [Example]) -> Page {
    Page { command, examples, more }
}

/// The pages of all commands.
pub(super) const PAGES: &[Page] = &[
    page(
        "plan",
        "docs/output.md",
        &[
            ("Plan from a folder of CloudTrail files", "autotag plan trail/"),
            (
                "Plan from S3, for a spreadsheet",
                "autotag plan s3://BUCKET/AWSLogs/ --since 2026-03-01 -o plan.csv",
            ),
            (
                "Show what an owner created in the last week",
                "autotag plan trail/ --owner alice@example.com --since 7d",
            ),
            (
                "Fail in a pipeline if a creation has no rule, or an owner no proof",
                "autotag plan trail/ --fail-on uncovered,name-only",
            ),
            ("Print the summary alone, as JSON", "autotag plan trail/ --summary-only --format json"),
            (
                "Save the plan, have it reviewed, write exactly its tags",
                "autotag plan trail/ --out plan.jsonl\nautotag apply plan.jsonl",
            ),
        ],
    ),
    page(
        "explain",
        "docs/output.md",
        &[
            (
                "Show why an event leads to its owner",
                "autotag explain trail/ --event d8e4c8dd-6404-47f9-a73c-187fa3809a87",
            ),
            ("Explain every creation of a file", "autotag explain event.json"),
            ("Explain what one owner created", "autotag explain trail/ --owner alice@example.com"),
            ("Give every explanation to a program", "autotag explain trail/ --format jsonl"),
        ],
    ),
    page(
        "identify",
        "docs/whois.md",
        &[
            ("Show who made a call", "autotag identify trail/ --event 3ebdeadd-fd82-4e75-a621-a760c618a2d2"),
            (
                "The same, with the sessions that an earlier plan has saved",
                "autotag identify event.json --state sessions.redb",
            ),
        ],
    ),
    page(
        "whois",
        "docs/whois.md",
        &[
            (
                "Find the owner of a table in a trail",
                "autotag whois arn:aws:dynamodb:eu-west-1:444455556666:table/orders --trail trail/",
            ),
            (
                "Find the owners of the resources that a file lists, one a line",
                "autotag whois --file arns.txt --trail trail/ --format json",
            ),
        ],
    ),
    page(
        "report",
        "docs/report.md",
        &[
            (
                "Write a page that says who owns what",
                "autotag report --trail trail/ --inventory inventory.csv --out report.html",
            ),
            (
                "Print the same with costs, as data",
                "autotag report --trail trail/ --inventory inventory.csv --cost cur.csv --format jsonl",
            ),
            (
                "Fail in a pipeline if the owner of anything is unknown",
                "autotag report --inventory inventory.csv --trail trail/ --fail-on unknown",
            ),
        ],
    ),
    page(
        "sessions",
        "docs/operations.md",
        &[("List the sessions of a state file", "autotag sessions list --state sessions.redb")],
    ),
    page(
        "sessions list",
        "docs/operations.md",
        &[("List the sessions of one person", "autotag sessions list --state sessions.redb --contains anna")],
    ),
    page(
        "sessions get",
        "docs/operations.md",
        &[(
            "Show a session with all details",
            "autotag sessions get AROAEXAMPLEOPS0000001:ops-shift --state sessions.redb",
        )],
    ),
    page(
        "catalog",
        "docs/services.md",
        &[
            ("List the events of a service", "autotag catalog --service dynamodb"),
            (
                "List the creating events of a trail that no rule covers",
                "autotag catalog --uncovered-by trail/",
            ),
        ],
    ),
    page(
        "apply",
        "docs/backfill.md",
        &[
            (
                "Write what `plan` shows, in your own account. It asks first",
                "autotag apply trail/ --since 2026-03-01 --state sessions.redb",
            ),
            ("Write a plan that was reviewed", "autotag apply plan.jsonl --yes"),
            (
                "Write in all accounts of the organization",
                "autotag apply s3://BUCKET/AWSLogs/ --accounts organization --member-role autotag-member",
            ),
        ],
    ),
    page(
        "reconcile",
        "docs/ledger.md",
        &[(
            "Tag what was not delivered in the last day",
            "autotag reconcile s3://BUCKET/AWSLogs/ --ledger autotag-ledger --hours 24",
        )],
    ),
    page(
        "redrive",
        "docs/operations.md",
        &[
            (
                "Show why messages failed",
                "autotag redrive https://sqs.eu-west-1.amazonaws.com/111122223333/tag-dead",
            ),
            (
                "Send them again",
                "autotag redrive https://sqs.eu-west-1.amazonaws.com/111122223333/tag-dead --yes",
            ),
        ],
    ),
    page(
        "init",
        "docs/configuration.md",
        &[
            ("Write autotag.toml, with every setting as a comment", "autotag init"),
            ("Write it under another name", "autotag init policies/strict.toml"),
        ],
    ),
    page("policy", "docs/configuration.md", &[("Check ./autotag.toml", "autotag policy check")]),
    page(
        "policy check",
        "docs/configuration.md",
        &[
            ("Check ./autotag.toml, or the built-in policy", "autotag policy check"),
            ("Check another file", "autotag policy check policies/strict.toml"),
        ],
    ),
    page(
        "estimate",
        "docs/costs.md",
        &[
            ("Estimate by a sample of a trail", "autotag estimate trail/"),
            ("Estimate by numbers", "autotag estimate --creations 100000 --accounts 50 --regions 4"),
        ],
    ),
    page(
        "generate",
        "docs/deploy.md",
        &[
            ("Write the templates for your policy", "autotag generate --out deploy --policy autotag.toml"),
            ("Fail in a pipeline if they are out of date", "autotag generate --out deploy --check"),
        ],
    ),
    page(
        "guard",
        "docs/security.md",
        &[(
            "Show what the guards would have denied",
            "autotag guard --dry-run trail/ --exempt autotag-tagger",
        )],
    ),
    page(
        "deploy",
        "docs/deploy.md",
        &[
            ("Show what a deployment would change", "autotag deploy --plan --region eu-west-1"),
            ("Deploy to this account", "autotag deploy --region eu-west-1 --regions eu-west-1,us-east-1"),
            ("Go back to the release before", "autotag deploy --rollback"),
        ],
    ),
    page(
        "deploy iam-policy",
        "docs/deploy.md",
        &[("Print the rights that a deployment needs", "autotag deploy iam-policy --for deploy")],
    ),
    page(
        "doctor",
        "docs/doctor.md",
        &[
            ("Show the broken links of a deployment", "autotag doctor --region eu-west-1 --only-broken"),
            ("Create a small resource and wait for its tags", "autotag doctor --region eu-west-1 --canary"),
        ],
    ),
    page(
        "ledger",
        "docs/ledger.md",
        &[("Show the entries that a trail leads to", "autotag ledger import trail/ --print")],
    ),
    page(
        "ledger import",
        "docs/ledger.md",
        &[
            ("Show the entries, write nothing", "autotag ledger import trail/ --print"),
            ("Write them", "autotag ledger import trail/ --table autotag-ledger"),
        ],
    ),
    page(
        "ledger export",
        "docs/ledger.md",
        &[(
            "Write files for Athena and DuckDB",
            "autotag ledger export --table autotag-ledger --out ledger/",
        )],
    ),
    page(
        "ledger list",
        "docs/ledger.md",
        &[(
            "List what a person has created",
            "autotag ledger list --table autotag-ledger --owner alice.ito@example.com",
        )],
    ),
    page(
        "ledger end-truce",
        "docs/tamper.md",
        &[(
            "Repair the tags of a resource again",
            "autotag ledger end-truce --table autotag-ledger arn:aws:sqs:eu-west-1:111122223333:orders",
        )],
    ),
    page(
        "schema",
        "docs/output.md",
        &[
            ("Complete and check autotag.toml in an editor", "autotag schema policy -o policy.schema.json"),
            ("Show the keys of a row of `plan`", "autotag schema row"),
        ],
    ),
    page(
        "completions",
        "docs/cli.md",
        &[
            (
                "Install them for Bash",
                "autotag completions bash -o ~/.local/share/bash-completion/completions/autotag",
            ),
            ("Install them for Zsh, in a folder of $fpath", "autotag completions zsh -o ~/.zfunc/_autotag"),
            ("Install them for Fish", "autotag completions fish -o ~/.config/fish/completions/autotag.fish"),
        ],
    ),
];
