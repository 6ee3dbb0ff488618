//! Plans more creations than fit into memory: part by part, in the order of their events.

use crate::foresight::Foresight;
use crate::kept::{KeptCreation, Origin, Unpacker};
use crate::spill::Files;
use anyhow::Result;
use autotag_handlers::plan::{AskedPart, PartAsker, PartDecider, Plan, Planner, RowNumber};
use autotag_handlers::records::PlanRequest;
use futures_executor::block_on;
use jiff::Timestamp;
use std::io;
use std::sync::mpsc::sync_channel;
use std::thread;

/// How many creations `plan` decides at once. Up to five parts are in memory.
const MAX_PART: usize = 100;

/// A creation in a part.
pub(crate) trait InPart {
    fn request(&self) -> &PlanRequest;
}

impl InPart for PlanRequest {
    fn request(&self) -> &PlanRequest {
        self
    }
}

/// A creation with a note.
impl<N> InPart for (N, PlanRequest) {
    fn request(&self) -> &PlanRequest {
        &self.1
    }
}

/// Parts of at most `max` creations, of those that come oldest first. A part goes on to the end of its second: copies of one
/// event have the same time, and are recognized only if they are planned together.
#[derive(Debug)]
pub(crate) struct Parts<I, T> {
    creations: I,
    max: usize,
    next: Option<T>,
}

impl<I: Iterator<Item = io::Result<T>>, T: InPart> Parts<I, T> {
    pub(crate) fn new(creations: I, max: usize) -> Self {
        Self { creations, max, next: None }
    }
}

impl<I: Iterator<Item = io::Result<T>>, T: InPart> Iterator for Parts<I, T> {
    type Item = io::Result<Vec<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        let second = |creation: &T| creation.request().creation.event.timestamp().map(Timestamp::as_second);
        let mut part: Vec<T> = self.next.take().into_iter().collect();
        for creation in self.creations.by_ref() {
            let creation = match creation {
                Ok(creation) => creation,
                Err(error) => return Some(Err(error)),
            };
            if part.len() >= self.max && part.last().is_some_and(|last| second(last) != second(&creation)) {
                self.next = Some(creation);
                break;
            }
            part.push(creation);
        }
        (!part.is_empty()).then_some(Ok(part))
    }
}

/// Asks about a part. The notes about its creations stay beside it.
fn ask<N>(asker: &mut PartAsker<'_>, part: Vec<(N, PlanRequest)>) -> (Vec<N>, AskedPart) {
    let (notes, requests): (Vec<N>, Vec<PlanRequest>) = part.into_iter().unzip();
    (notes, block_on(asker.ask(requests)))
}

/// Plans creations that are on disk.
pub(crate) struct PartPlanner<'a> {
    pub(crate) planner: Planner<'a>,
    pub(crate) unpacker: &'a Unpacker<'a>,
    pub(crate) creations: &'a Files<KeptCreation>,
    pub(crate) foresight: &'a Foresight,
    /// True if further threads read a part and ask about the next one while a third one is decided.
    pub(crate) ahead: bool,
}

impl PartPlanner<'_> {
    /// Calls `visit` with the rows of each part, and with what `note` has noted of each of its creations.
    ///
    /// # Errors
    /// If a temporary file cannot be read, and those of `visit`.
    pub(crate) fn plan<N: Send>(
        &self,
        note: impl FnMut(Origin, &mut PlanRequest) -> N + Send,
        visit: impl FnMut(Vec<N>, Plan) -> Result<()>,
    ) -> Result<()> {
        // Only the decisions tell whether a later object replaces one that an earlier part has decided.
        let mut replaced = if self.foresight.replaces {
            self.each(&|_| false, |_, _| (), |_, _| Ok(()))?
        } else {
            Vec::new()
        };
        replaced.sort_unstable();
        self.each(&|row| replaced.binary_search(&row).is_ok(), note, visit).map(drop)
    }

    /// Answers with the rows that later parts have replaced.
    fn each<N: Send>(
        &self,
        is_replaced: &(dyn Fn(RowNumber) -> bool + Sync),
        note: impl FnMut(Origin, &mut PlanRequest) -> N + Send,
        mut visit: impl FnMut(Vec<N>, Plan) -> Result<()>,
    ) -> Result<Vec<RowNumber>> {
        let is_named_later = |key: &_| self.foresight.is_named_again(key);
        let mut decider = PartDecider::new(&self.planner, &is_named_later, is_replaced);
        let mut decide = |(notes, asked): (Vec<N>, AskedPart)| visit(notes, decider.decide(asked));
        let mut asker = self.asker()?;
        let mut parts = self.parts(note)?;
        if self.ahead {
            thread::scope(|scope| {
                // On each way one part waits while another one is worked on.
                let ((send_part, receive_parts), (send_asked, receive_asked)) =
                    (sync_channel(1), sync_channel(1));
                // A part whose receiver has ended is not needed: the error that has ended it is told.
                scope.spawn(move || parts.all(|part| send_part.send(part).is_ok()));
                scope.spawn(move || {
                    receive_parts.into_iter().all(|part: io::Result<_>| {
                        let answer = part.map(|part| ask(&mut asker, part));
                        send_asked.send(answer).is_ok()
                    })
                });
                receive_asked.into_iter().try_for_each(|asked| decide(asked?))
            })?;
        } else {
            parts.try_for_each(|part| decide(ask(&mut asker, part?)))?;
        }
        Ok(decider.replaced())
    }

    /// All creations, in parts.
    fn parts<N: Send>(
        &self,
        mut note: impl FnMut(Origin, &mut PlanRequest) -> N + Send,
    ) -> io::Result<impl Iterator<Item = io::Result<Vec<(N, PlanRequest)>>> + Send> {
        let noted = move |creation: io::Result<KeptCreation>| {
            let mut creation = creation?;
            let origin = creation.take_origin();
            let mut request = creation.into_request(self.unpacker)?;
            Ok((note(origin, &mut request), request))
        };
        Ok(Parts::new(self.creations.merge()?.map(noted), MAX_PART))
    }

    /// Knows the events that have copies in several parts.
    fn asker(&self) -> io::Result<PartAsker<'_>> {
        let mut asker = PartAsker::new(self.planner);
        if self.foresight.has_copies() {
            for creation in self.creations.merge()? {
                let creation = creation?;
                if self.foresight.is_copied(&creation) {
                    asker.foresee_copy(&creation.into_request(self.unpacker)?);
                }
            }
        }
        Ok(asker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_handlers::catalog::Catalog;
    use autotag_handlers::classify::Classifier;
    use autotag_handlers::plan::oldest_first;
    use autotag_handlers::records::ClassifiedRecords;
    use autotag_model::policy::Policy;

    /// The creation of a volume.
    fn volume(time: &str, id: &str) -> PlanRequest {
        let record = serde_json::json!({"eventSource": "ec2.amazonaws.com", "eventName": "CreateVolume",
            "eventTime": format!("2026-03-02T09:00:{time}Z"), "eventID": id, "awsRegion": "eu-west-1",
            "recipientAccountId": "111122223333", "userIdentity": {"type": "IAMUser", "userName": "mara"},
            "requestParameters": {}, "responseElements": {"volumeId": format!("vol-{id}")}});
        let classifier = Classifier::new(Catalog::embedded(), Policy::default());
        ClassifiedRecords::read(record.to_string().as_bytes(), &classifier).creations.remove(0)
    }

    #[test]
    fn a_part_goes_on_to_the_end_of_its_second() {
        let times = [("02", "f"), ("01", "b"), ("01.5", "e"), ("00", "a"), ("01", "d"), ("01.000", "c")];
        let mut creations: Vec<PlanRequest> = times.iter().map(|(time, id)| volume(time, id)).collect();
        oldest_first(&mut creations);
        let ids = |creations: &[PlanRequest], max| -> Vec<Vec<String>> {
            let id = |request: PlanRequest| request.creation.event.id.clone().unwrap();
            let parts = Parts::new(creations.iter().cloned().map(Ok), max);
            parts.map(|part| part.unwrap().into_iter().map(id).collect()).collect()
        };
        assert_eq!(ids(&creations, 2), [vec!["a", "b", "c", "d", "e"], vec!["f"]]);
        assert_eq!(ids(&creations, 1), [vec!["a"], vec!["b", "c", "d", "e"], vec!["f"]]);
        assert_eq!(ids(&[], 1), Vec::<Vec<String>>::new());
    }
}
