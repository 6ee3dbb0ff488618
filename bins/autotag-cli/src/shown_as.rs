//! The ways in which records that lead to no resource are kept while the inputs are read.

use crate::cli::{Format, TextFormat};
use crate::explanation::Explainer;
use crate::kept::{KeptRow, Place, RowKind};
use crate::output::{Screen, rendered};
use anyhow::Result;
use autotag_handlers::event::EventSummary;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::row::ResourceOutcome;

/// How records that lead to no resource are kept.
#[derive(Debug)]
pub(crate) enum ShownAs {
    /// They are only counted.
    Nothing,
    /// Only uncovered events, by their records. Creations are only counted.
    Uncovered,
    /// As rows of a plan, in the order of the events.
    Rows(Format),
    /// As explanations, in the order of the inputs. If there is the id of an event, those of its records. The creations to explain
    /// are kept with their positions.
    Explanations(Option<String>, TextFormat),
}

impl ShownAs {
    /// True if records of this event are explained.
    pub(crate) fn explains(&self, id: Option<&String>) -> bool {
        matches!(self, Self::Explanations(only, _) if only.is_none() || only.as_ref() == id)
    }

    /// The row of a record, if it is kept. `at` is its file and the position in it.
    ///
    /// # Errors
    /// If the row cannot be written as text.
    pub(crate) fn row(&self, row: &ResourceOutcome, at: &str, place: Place) -> Result<Option<KeptRow>> {
        match self {
            Self::Rows(format) => Ok(Some(KeptRow::decided(&row.event, place, rendered(row, *format)?))),
            Self::Explanations(_, format) if self.explains(row.event.id.as_ref()) => {
                let mut explainer = Explainer { out: Screen::stdout(Vec::new()), format: *format };
                explainer.rejected(at, row)?;
                // Without a time, so that the place decides about the order.
                let kept = KeptRow::decided(&EventSummary::default(), place, explainer.out.into_inner());
                let is_uncovered = row.status == Outcome::Uncovered;
                Ok(Some(KeptRow { kind: if is_uncovered { RowKind::Uncovered } else { kept.kind }, ..kept }))
            }
            Self::Explanations(..) | Self::Uncovered | Self::Nothing => Ok(None),
        }
    }
}
