use super::*;
use crate::catalog::Catalog;
use crate::classify::Classifier;
use crate::outcome::Outcome;
use crate::records::ClassifiedRecords;
use crate::row::Row;
use autotag_model::policy::Policy;
use std::path::{Path, PathBuf};

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The creations of the project's own records: every service handler and every kind of rule is among them.
fn creations() -> Vec<PlanRequest> {
    let classifier = Classifier::new(Catalog::embedded(), Policy::default());
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let read = |path: &PathBuf| {
        ClassifiedRecords::read(std::fs::read(path).unwrap().as_slice(), &classifier).creations
    };
    files(&fixtures).iter().flat_map(read).collect()
}

#[test]
fn what_comes_out_of_the_bytes_is_what_went_in() {
    let (packer, mut count) = (Packer::new(), 0);
    for (number, mut request) in creations().into_iter().enumerate() {
        request.origin = OriginId(number);
        if number % 3 == 0 {
            request.previous_tags = Some(vec![("Owner".to_owned(), "mara".to_owned())]);
        }
        let bytes = packer.pack(&request, Vec::new());
        assert_eq!(bytes.is_some(), Packer::can_pack(&request));
        if let Some(bytes) = bytes {
            assert_eq!(packer.unpack(&bytes).unwrap(), request);
            count += 1;
        }
    }
    assert!(count > 200, "{count}");
}

#[test]
fn a_creation_with_a_rejected_resource_is_not_packed() {
    let mut request = creations().into_iter().find(Packer::can_pack).unwrap();
    let row = Row::of_event(Arc::clone(&request.creation.event), Outcome::Gone);
    request.creation.rejected.push(row);
    assert!(!Packer::can_pack(&request));
    assert_eq!(Packer::new().pack(&request, Vec::new()), None);
}

#[test]
fn what_a_record_says_of_its_parents_and_of_other_resources_stays() {
    let packer = Packer::new();
    let mut request = creations().into_iter().find(Packer::can_pack).unwrap();
    let target = request.creation.targets.first_mut().unwrap();
    target.parent = Some(target.taggable());
    target.requester = Some("arn:aws:iam::111122223333:user/mara".to_owned());
    target.resource.version = Some("7".to_owned());
    target.queries = vec![
        RelatedQuery::AttachedTo { instances: vec!["i-1".to_owned(), "i-2".to_owned()] },
        RelatedQuery::SnapshotsOf { image: "ami-1".to_owned() },
    ];
    target.requested_for = vec![("AWS::EC2::Volume", vec![("a".to_owned(), String::new())])];
    let second = Timestamp::new(1_772_539_200, 5).unwrap();
    for repeat in [Repeat::No, Repeat::Possible, Repeat::IfCreatedEarlier(second)] {
        request.creation.targets.first_mut().unwrap().repeat = repeat;
        let bytes = packer.pack(&request, b"before".to_vec()).unwrap();
        assert_eq!(packer.unpack(bytes.strip_prefix(b"before").unwrap()).unwrap(), request);
    }
}

#[test]
fn other_bytes_are_refused() {
    let (packer, requests) = (Packer::new(), creations());
    let request = requests.iter().find(|request| Packer::can_pack(request)).unwrap();
    let bytes = packer.pack(request, Vec::new()).unwrap();
    assert_eq!(Packer::new().unpack(&bytes), Err(UnpackError), "it knows no rule");
    for length in 0..bytes.len() {
        assert_eq!(packer.unpack(&bytes[..length]), Err(UnpackError), "{length}");
    }
}
