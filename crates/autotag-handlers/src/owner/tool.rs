//! The program that a user agent names. The caller writes the user agent.

use super::channel::Channel;

/// A program, as a user agent names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tool {
    /// Its name. Nothing of the user agent's text is in it.
    pub(super) name: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Iac,
    Cli,
    Sdk,
}

/// How the product of a user agent, the part before its version, is compared. Case does not count.
#[derive(Debug, Clone, Copy)]
enum Product {
    Is(&'static str),
    Begins(&'static str),
}

/// The products by importance: a tool names the SDK that it is made with, too, and Pulumi has Terraform's provider in it.
const TOOLS: &[(Product, &str, Kind)] = &[
    (Product::Begins("Pulumi"), "pulumi", Kind::Iac),
    (Product::Is("OpenTofu"), "opentofu", Kind::Iac),
    (Product::Is("Terraform"), "terraform", Kind::Iac),
    (Product::Begins("terraform-provider-"), "terraform", Kind::Iac),
    (Product::Is("aws-cdk"), "cdk", Kind::Iac),
    (Product::Is("aws-sam-cli"), "sam", Kind::Iac),
    (Product::Is("Ansible"), "ansible", Kind::Iac),
    (Product::Is("aws-controllers-k8s"), "ack", Kind::Iac),
    (Product::Is("crossplane-provider-aws"), "crossplane", Kind::Iac),
    (Product::Is("aws-cli"), "aws-cli", Kind::Cli),
    (Product::Begins("AWSPowerShell"), "powershell", Kind::Cli),
    (Product::Is("Boto3"), "boto3", Kind::Sdk),
    (Product::Is("Botocore"), "botocore", Kind::Sdk),
    (Product::Begins("aws-sdk-cpp"), "aws-sdk-cpp", Kind::Sdk),
    (Product::Begins("aws-sdk-dotnet"), "aws-sdk-dotnet", Kind::Sdk),
    (Product::Begins("aws-sdk-go"), "aws-sdk-go", Kind::Sdk),
    (Product::Begins("aws-sdk-java"), "aws-sdk-java", Kind::Sdk),
    (Product::Begins("aws-sdk-js"), "aws-sdk-js", Kind::Sdk),
    (Product::Begins("aws-sdk-kotlin"), "aws-sdk-kotlin", Kind::Sdk),
    (Product::Begins("aws-sdk-nodejs"), "aws-sdk-js", Kind::Sdk),
    (Product::Begins("aws-sdk-php"), "aws-sdk-php", Kind::Sdk),
    (Product::Begins("aws-sdk-ruby"), "aws-sdk-ruby", Kind::Sdk),
    (Product::Begins("aws-sdk-rust"), "aws-sdk-rust", Kind::Sdk),
    (Product::Begins("aws-sdk-swift"), "aws-sdk-swift", Kind::Sdk),
    (Product::Begins("aws-sdk-"), "aws-sdk", Kind::Sdk),
];

impl Product {
    fn matches(self, product: &str) -> bool {
        let (known, start) = match self {
            Self::Is(known) => (known, Some(product)),
            Self::Begins(known) => (known, product.get(..known.len())),
        };
        start.is_some_and(|start| start.eq_ignore_ascii_case(known))
    }
}

/// The name of a known program, if this is one.
pub fn known_tool(name: &str) -> Option<&'static str> {
    TOOLS.iter().map(|(_, known, _)| *known).find(|known| *known == name)
}

impl Tool {
    /// The most important program that a user agent names. `None` for an unknown one, a browser, and AWS itself: the servers
    /// of the console call with an SDK, too.
    pub(super) fn of(user_agent: &str) -> Option<Self> {
        let mut best = TOOLS.len();
        for part in user_agent.split([' ', '\t', '[', ']', ',']) {
            if is_aws_or_browser(part) {
                return None;
            }
            let Some((product, _)) = part.split_once('/') else { continue };
            let rank = TOOLS.iter().take(best).position(|(known, ..)| known.matches(product));
            best = rank.unwrap_or(best);
        }
        TOOLS.get(best).map(|(_, name, kind)| Self { name, kind: *kind })
    }

    /// The channel that it is.
    pub(super) fn channel(self) -> Channel {
        match self.kind {
            Kind::Iac => Channel::Iac,
            Kind::Cli => Channel::Cli,
            Kind::Sdk => Channel::Sdk,
        }
    }
}

fn is_aws_or_browser(part: &str) -> bool {
    let product = part.split_once('/').map_or(part, |(product, _)| product);
    part.ends_with(".amazonaws.com")
        || ["aws-internal", "Mozilla", "S3Console", "EC2ConsoleFrontend"].contains(&product)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(user_agent: &str) -> (Option<&'static str>, Option<String>) {
        let tool = Tool::of(user_agent);
        (tool.map(|tool| tool.name), tool.map(|tool| tool.channel().to_string()))
    }

    #[test]
    fn user_agents_of_real_programs() {
        for (user_agent, name, channel) in [
            (
                "APN/1.0 HashiCorp/1.0 Terraform/1.11.0 (+https://www.terraform.io) terraform-provider-aws/5.89.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.36.3 ua/2.1 os/linux lang/go#1.23.6",
                "terraform",
                "iac",
            ),
            (
                "aws-sdk-go/1.20.4 (go1.12.5; darwin; amd64) APN/1.0 HashiCorp/1.0 Terraform/0.12.2",
                "terraform",
                "iac",
            ),
            (
                "APN/1.0 HashiCorp/1.0 OpenTofu/1.6.0 terraform-provider-aws/5.89.0 aws-sdk-go-v2/1.36.3",
                "opentofu",
                "iac",
            ),
            (
                "aws-sdk-go-v2/1.30.0 terraform-provider-aws/6.0 APN/1.0 Pulumi/1.0 PulumiAwsNative/1.12",
                "pulumi",
                "iac",
            ),
            ("aws-cdk/2.100.0 aws-sdk-js/2.1450.0", "cdk", "iac"),
            ("APN/1.0 Ansible/2.15.0 community.aws/12.0.0 Boto3/1.26.0 Botocore/1.29.0", "ansible", "iac"),
            ("aws-controllers-k8s/s3-v1.2.3 aws-sdk-go/1.44.0", "ack", "iac"),
            (
                "aws-cli/2.24.10 md/awscrt#0.23.8 ua/2.1 os/macos#24.3.0 md/arch#arm64 lang/python#3.12.9",
                "aws-cli",
                "cli",
            ),
            ("[aws-cli/1.16.0 Python/3.7.0 Darwin/18.0.0 botocore/1.12.0]", "aws-cli", "cli"),
            (
                "AWSPowerShell.Common/4.1.20.0 .NET_Core/6.0.0 OS/Microsoft_Windows_10.0.17763 PowerShellCore/7.-1 ClientAsync",
                "powershell",
                "cli",
            ),
            ("Boto3/1.37.3 md/Botocore#1.37.3 ua/2.0 os/linux Botocore/1.37.3", "boto3", "sdk"),
            ("aws-sdk-nodejs/2.1 linux/v16", "aws-sdk-js", "sdk"),
            ("aws-sdk-dotnet-coreclr/3.7", "aws-sdk-dotnet", "sdk"),
            ("aws-sdk-python/1.0", "aws-sdk", "sdk"),
        ] {
            assert_eq!(of(user_agent), (Some(name), Some(channel.to_owned())), "{user_agent}");
        }
    }

    #[test]
    fn browsers_aws_itself_and_unknown_programs_are_no_tool() {
        for user_agent in [
            "",
            "/",
            "AWS Internal",
            "console.amazonaws.com",
            "signin.amazonaws.com",
            "cloudformation.amazonaws.com",
            "Mozilla/5.0 (X11; Linux x86_64; rv:135.0) Gecko/20100101 Firefox/135.0",
            "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.11.848 Linux/4.9 java/1.8.0]",
            "EC2ConsoleFrontend, aws-internal/3 aws-sdk-java/1.11.848",
            "aws-internal/3 aws-sdk-java/1.12.780 Linux/5.10.233",
            "stratus-red-team_ea782787-a65d-4fc4-9fca-1c97869a9a25",
            "terraform",
            "my-terraform/1.0",
            "curl/8.0 (like aws-cli)",
        ] {
            assert_eq!(of(user_agent), (None, None), "{user_agent}");
        }
    }

    proptest! {
        /// The name is one of ours, whatever the text: nothing that a caller writes passes through.
        #[test]
        fn only_names_of_the_table(user_agent in "\\PC{0,60}", product in "[A-Za-z-]{0,12}") {
            for text in [user_agent.clone(), format!("{product}/{user_agent} aws-cli/2"), format!("{user_agent} {product}/1")] {
                let name = Tool::of(&text).map(|tool| tool.name);
                prop_assert!(name.is_none_or(|name| TOOLS.iter().any(|(_, known, _)| *known == name)));
            }
        }
    }
}
