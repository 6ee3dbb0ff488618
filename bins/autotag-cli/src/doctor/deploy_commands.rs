//! The commands of docs/deploy.md that deploy a stack again. `$BUCKET` and `$BUS` are set as that page says.

use autotag_model::arn::Region;

/// Deploys the stack of the hub.
pub(super) fn deploy_hub(hub: &Region, stack: &str) -> String {
    format!(
        "aws cloudformation deploy --region {hub} --stack-name {stack} --template-file deploy/hub.yaml \
         --s3-bucket $BUCKET --capabilities CAPABILITY_NAMED_IAM"
    )
}

/// Deploys the stack of the rules in a region.
pub(super) fn deploy_region(region: &str, prefix: &str) -> String {
    format!(
        "aws cloudformation deploy --region {region} --stack-name {prefix}-region --template-file deploy/region.yaml \
         --s3-bucket $BUCKET --capabilities CAPABILITY_NAMED_IAM"
    )
}
