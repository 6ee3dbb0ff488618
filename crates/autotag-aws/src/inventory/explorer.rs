//! The resources that Resource Explorer lists.

use super::caller::{Caller, note};
use super::listed::ListedResource;
use crate::CallError;
use crate::paginate::Paginator;
use crate::signed::{self, Request, calls};
use autotag_model::arn::Region;
use serde_json::Value;

const API: &str = "resource-explorer-2";

/// The region of resources that have none, as Resource Explorer calls it.
pub(super) const GLOBAL: &str = "global";

/// An index whose default view shows all of its resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) view: View,
    /// The regions that an aggregator index replicates; `None` for a local index.
    replicated: Option<Vec<Region>>,
}

/// A view without a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    arn: String,
    shows_tags: bool,
}

impl Index {
    pub(super) fn is_aggregator(&self) -> bool {
        self.replicated.is_some()
    }

    /// True if it also has the resources of another region.
    pub(super) fn replicates(&self, region: &Region) -> bool {
        self.replicated.as_ref().is_some_and(|regions| regions.contains(region))
    }
}

impl Caller<'_> {
    /// The index of a region; `None` if it has none that can be relied on. Without an index AWS answers searches with a part of the
    /// resources, and a view with a filter leaves some out.
    pub(super) async fn index(&self, region: &Region) -> Result<Option<Index>, CallError> {
        let index = match self.ask(region, calls::explorer_index(region)).await {
            Ok(index) => index,
            Err(error) if error.code == "ResourceNotFoundException" => return Ok(None),
            Err(error) => return Err(error),
        };
        // While it is made it does not have all resources.
        if !matches!(text(&index, "State"), Some("ACTIVE" | "UPDATING")) {
            return Ok(None);
        }
        let view = self.ask(region, calls::explorer_default_view(region)).await?;
        let Some(view) = text(&view, "ViewArn").filter(|view| !view.is_empty()).map(str::to_owned) else {
            return Ok(None);
        };
        let shown = self.ask(region, calls::explorer_view(region, &view)).await?;
        let filter = shown.pointer("/View/Filters/FilterString").and_then(Value::as_str);
        if filter.is_some_and(|filter| !filter.trim().is_empty()) {
            return Ok(None);
        }
        let mut included =
            shown.pointer("/View/IncludedProperties").and_then(Value::as_array).into_iter().flatten();
        let shows_tags = included.any(|property| text(property, "Name") == Some("tags"));
        let replicated = (text(&index, "Type") == Some("AGGREGATOR")).then(|| {
            let regions = index.get("ReplicatingFrom").and_then(Value::as_array).into_iter().flatten();
            regions.filter_map(|region| Region::new(region.as_str()?)).collect()
        });
        Ok(Some(Index { view: View { arn: view, shows_tags }, replicated }))
    }

    /// The resources that a view shows.
    pub(super) async fn explored(
        &self,
        region: &Region,
        view: &View,
        filter: &str,
    ) -> Result<Vec<ListedResource>, CallError> {
        let mut listed = Vec::new();
        let mut pages = Paginator::new("ListResources");
        while pages.has_next() {
            let page =
                self.ask(region, calls::explored_resources(region, &view.arn, filter, pages.token())).await?;
            let resources = page.get("Resources").and_then(Value::as_array).into_iter().flatten();
            listed.extend(resources.filter_map(|value| resource(value, view.shows_tags)));
            pages.advance(text(&page, "NextToken").map(str::to_owned))?;
        }
        Ok(listed)
    }

    async fn ask(&self, region: &Region, request: Request) -> Result<Value, CallError> {
        let config = self.config(region, &request.operation).await?;
        let permit = self.permit(API, region).await;
        signed::send_json(&config, request).await.map_err(|error| note(&permit, error))
    }
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

fn resource(value: &Value, shows_tags: bool) -> Option<ListedResource> {
    let known = |name| text(value, name).map(str::to_owned);
    let properties = value.get("Properties").and_then(Value::as_array).into_iter().flatten();
    let tags = properties.filter(|property| text(property, "Name") == Some("tags"));
    let tags = tags.filter_map(|property| property.get("Data")?.as_array()).flatten();
    let pair =
        |tag: &Value| Some((text(tag, "Key")?.to_owned(), text(tag, "Value").unwrap_or_default().to_owned()));
    Some(ListedResource {
        arn: known("Arn")?,
        resource_type: known("ResourceType"),
        region: known("Region").filter(|region| region != GLOBAL),
        account: known("OwningAccountId"),
        tags: shows_tags.then(|| tags.filter_map(pair).collect()),
    })
}
