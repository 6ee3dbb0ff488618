//! What `CloudFormation` calls with the credentials of its caller to make, read, change and remove the resources of the templates.

/// The calls for a family of resource types.
#[derive(Debug, Clone, Copy)]
pub struct Handler {
    /// A word for the id of the statement.
    pub name: &'static str,
    /// The resource types.
    pub types: &'static [&'static str],
    /// The actions, in the words of IAM.
    pub actions: &'static [&'static str],
    /// The resources. `PARTITION`, `ACCOUNT` and `NAME` are filled in.
    pub resources: &'static [&'static str],
}

/// One entry for each family of types that a template has.
pub const HANDLERS: &[Handler] = &[
    Handler {
        name: "Roles",
        types: &["AWS::IAM::Role"],
        actions: &[
            "iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePermissionsBoundary",
            "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:GetRole", "iam:GetRolePolicy",
            "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListRolePolicies", "iam:ListRoleTags",
            "iam:PassRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:TagRole", "iam:UntagRole",
            "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription",
        ],
        // A path may precede the name, and CloudFormation names some roles after the stack.
        resources: &["arn:PARTITION:iam::ACCOUNT:role/*NAME-*"],
    },
    Handler {
        name: "Policies",
        types: &["AWS::IAM::ManagedPolicy"],
        actions: &[
            "iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:GetPolicy",
            "iam:GetPolicyVersion", "iam:ListEntitiesForPolicy", "iam:ListPolicyTags", "iam:ListPolicyVersions",
            "iam:TagPolicy", "iam:UntagPolicy",
        ],
        resources: &["arn:PARTITION:iam::ACCOUNT:policy/*NAME-*"],
    },
    Handler {
        name: "Functions",
        types: &["AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias"],
        actions: &[
            "lambda:CreateAlias", "lambda:CreateFunction", "lambda:DeleteAlias", "lambda:DeleteFunction",
            "lambda:DeleteFunctionConcurrency", "lambda:GetAlias", "lambda:GetFunction", "lambda:GetFunctionCodeSigningConfig",
            "lambda:GetFunctionConcurrency", "lambda:GetFunctionConfiguration", "lambda:GetFunctionRecursionConfig",
            "lambda:GetProvisionedConcurrencyConfig", "lambda:GetRuntimeManagementConfig", "lambda:ListAliases",
            "lambda:ListTags", "lambda:PublishVersion", "lambda:PutFunctionConcurrency", "lambda:PutRuntimeManagementConfig",
            "lambda:TagResource", "lambda:UntagResource", "lambda:UpdateAlias", "lambda:UpdateFunctionCode",
            "lambda:UpdateFunctionConfiguration",
        ],
        resources: &["arn:PARTITION:lambda:*:ACCOUNT:function:NAME-*"],
    },
    Handler {
        name: "Mappings",
        types: &["AWS::Lambda::EventSourceMapping"],
        actions: &[
            "lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping", "lambda:GetEventSourceMapping",
            "lambda:ListEventSourceMappings", "lambda:UpdateEventSourceMapping",
        ],
        resources: &["*"],
    },
    Handler {
        name: "Network",
        types: &[],
        // For functions in a VPC.
        actions: &["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"],
        resources: &["*"],
    },
    Handler {
        name: "Queues",
        types: &["AWS::SQS::Queue", "AWS::SQS::QueuePolicy"],
        actions: &[
            "sqs:CreateQueue", "sqs:DeleteQueue", "sqs:GetQueueUrl", "sqs:ListQueueTags", "sqs:SetQueueAttributes",
            "sqs:TagQueue", "sqs:UntagQueue",
        ],
        resources: &["arn:PARTITION:sqs:*:ACCOUNT:NAME-*"],
    },
    Handler {
        name: "Rules",
        types: &["AWS::Events::Rule", "AWS::Events::EventBus", "AWS::Events::EventBusPolicy"],
        actions: &[
            "events:CreateEventBus", "events:DeleteEventBus", "events:DeleteRule", "events:DescribeEventBus",
            "events:DescribeRule", "events:ListRules", "events:ListTagsForResource", "events:ListTargetsByRule",
            "events:PutPermission", "events:PutRule", "events:PutTargets", "events:RemovePermission", "events:RemoveTargets",
            "events:TagResource", "events:UntagResource", "events:UpdateEventBus",
        ],
        resources: &[
            "arn:PARTITION:events:*:ACCOUNT:event-bus/NAME*",
            "arn:PARTITION:events:*:ACCOUNT:event-bus/default",
            "arn:PARTITION:events:*:ACCOUNT:rule/NAME-*",
            "arn:PARTITION:events:*:ACCOUNT:rule/NAME*/NAME-*",
        ],
    },
    Handler {
        name: "Tables",
        types: &["AWS::DynamoDB::Table"],
        actions: &[
            "dynamodb:CreateTable", "dynamodb:DeleteTable", "dynamodb:DescribeContinuousBackups",
            "dynamodb:DescribeContributorInsights", "dynamodb:DescribeKinesisStreamingDestination", "dynamodb:DescribeTable",
            "dynamodb:DescribeTimeToLive", "dynamodb:GetResourcePolicy", "dynamodb:ListTagsOfResource", "dynamodb:TagResource",
            "dynamodb:UntagResource", "dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive",
        ],
        resources: &["arn:PARTITION:dynamodb:*:ACCOUNT:table/NAME-*"],
    },
    Handler {
        name: "Logs",
        types: &["AWS::Logs::LogGroup", "AWS::Logs::QueryDefinition", "AWS::Logs::MetricFilter"],
        actions: &[
            "logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DeleteMetricFilter",
            "logs:DeleteQueryDefinition", "logs:DeleteRetentionPolicy", "logs:DescribeIndexPolicies", "logs:DescribeLogGroups",
            "logs:DescribeMetricFilters", "logs:DescribeQueryDefinitions", "logs:DescribeResourcePolicies",
            "logs:DisassociateKmsKey", "logs:GetDataProtectionPolicy", "logs:ListTagsForResource", "logs:PutMetricFilter",
            "logs:PutQueryDefinition", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource",
        ],
        resources: &["*"],
    },
    Handler {
        name: "Alarms",
        types: &["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm", "AWS::CloudWatch::Dashboard"],
        actions: &[
            "cloudwatch:DeleteAlarms", "cloudwatch:DeleteDashboards", "cloudwatch:DescribeAlarms", "cloudwatch:GetDashboard",
            "cloudwatch:ListTagsForResource", "cloudwatch:PutCompositeAlarm", "cloudwatch:PutDashboard",
            "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource",
        ],
        resources: &["*"],
    },
    Handler {
        name: "Keys",
        types: &["AWS::KMS::Key", "AWS::KMS::Alias"],
        actions: &[
            "kms:CreateAlias", "kms:CreateGrant", "kms:CreateKey", "kms:DeleteAlias", "kms:DescribeKey",
            "kms:EnableKeyRotation", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags",
            "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource",
            "kms:UpdateKeyDescription",
        ],
        resources: &["*"],
    },
    Handler {
        name: "Trail",
        types: &["AWS::CloudTrail::Trail", "AWS::S3::Bucket", "AWS::S3::BucketPolicy"],
        actions: &[
            "cloudtrail:AddTags", "cloudtrail:CreateTrail", "cloudtrail:DeleteTrail", "cloudtrail:GetTrail",
            "cloudtrail:GetInsightSelectors", "cloudtrail:ListTags", "cloudtrail:PutEventSelectors", "cloudtrail:StartLogging",
            "cloudtrail:StopLogging", "cloudtrail:UpdateTrail", "s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteBucketPolicy",
            "s3:GetBucketPolicy", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:PutBucketPolicy",
            "s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration",
            "s3:PutLifecycleConfiguration",
        ],
        resources: &["arn:PARTITION:cloudtrail:*:ACCOUNT:trail/NAME*", "arn:PARTITION:s3:::NAME*"],
    },
];

/// The resource types that have no entry: `iam-policy` does not know what they need.
pub fn unknown_types<'t>(types: impl IntoIterator<Item = &'t str>) -> Vec<&'t str> {
    let known = |kind: &str| HANDLERS.iter().any(|handler| handler.types.contains(&kind));
    // A stack set has rights of its own, for organizations.
    types.into_iter().filter(|kind| *kind != "AWS::CloudFormation::StackSet" && !known(kind)).collect()
}
