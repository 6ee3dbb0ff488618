//! The same rows in every format.

use super::rows::SHOWN;
use super::*;
use std::io::Write as _;

const COLUMNS: [Column; 2] = [
    Column { role: "arn", names: &["arn", "resourcearn"] },
    Column { role: "type", names: &["resourcetype"] },
];

type Rows = Vec<(Option<String>, Option<String>, Vec<(String, String)>)>;

fn rows_of(bytes: &[u8], mapping: &Mapping) -> Result<(Rows, Reading)> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let mut rows = Rows::new();
    let mut visit = |cells: &Cells| {
        let text = |at| cells.get(at).map(str::to_owned);
        if text(0).as_deref() == Some("bad") {
            return Err("it is bad".to_owned());
        }
        rows.push((text(0), text(1), cells.tags.clone()));
        Ok(())
    };
    let reading = read(file.path(), &COLUMNS, mapping, &mut visit)?;
    Ok((rows, reading))
}

fn two() -> Rows {
    let row = |arn: &str, kind: Option<&str>| (Some(arn.to_owned()), kind.map(str::to_owned), Vec::new());
    vec![row("a", Some("T")), row("b", None)]
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_text_format_has_the_same_rows() {
    let cases: [&[u8]; 9] = [
        b"ARN,Resource type\na,T\nb,\n",
        b"\xef\xbb\xbfother;resource_type;ResourceArn\n;T;a\n;;b\n",
        b"arn,resourceType\r\n\"a\",\"T\"\r\nb\r\n",
        b"{\"arn\":\"a\",\"resourceType\":\"T\"}\n\n{\"arn\":\"b\",\"resourceType\":null}\n",
        b" [{\"Arn\":\"a\",\"ResourceType\":\"T\"},{\"Arn\":\"b\"}]",
        b"{\"PaginationToken\":\"\",\"ResourceTagMappingList\":[{\"ResourceARN\":\"a\",\"ResourceType\":\"T\"},{\"ResourceARN\":\"b\"}]}",
        b"{\"Resources\":[{\"Arn\":\"a\",\"ResourceType\":\"T\"}]}{\"Resources\":[{\"Arn\":\"b\"}]}",
        b"{\"Results\":[\"{\\\"arn\\\":\\\"a\\\",\\\"resourceType\\\":\\\"T\\\"}\",\"{\\\"arn\\\":\\\"b\\\"}\"],\"QueryInfo\":{}}",
        b"{\"fileVersion\":\"1.0\",\"configurationItems\":[{\"ARN\":\"a\",\"resourceType\":\"T\"},{\"ARN\":\"b\"}]}",
    ];
    for bytes in cases {
        for bytes in [bytes.to_vec(), gzipped(bytes)] {
            let (rows, reading) = rows_of(&bytes, &[]).unwrap();
            assert_eq!((rows, reading.faulty), (two(), 0), "{}", String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
fn columns_can_be_named() {
    let mapping = [("arn".to_owned(), "Identifier".to_owned())];
    let (rows, _) = rows_of(b"arn,identifier,resourceType\nx,a,T\nx,b,\n", &mapping).unwrap();
    assert_eq!(rows, two());
    let error = rows_of(b"arn\na\n", &mapping).unwrap_err();
    assert!(
        error.is::<crate::setup::UsageError>() && format!("{error:#}").contains("`Identifier`"),
        "{error:#}"
    );
}

#[test]
fn rows_that_cannot_be_used_are_counted_and_do_not_stop_others() {
    let mut text = b"arn\n".to_vec();
    text.extend(b"bad\n".repeat(20));
    text.extend(b"a\n");
    let (rows, reading) = rows_of(&text, &[]).unwrap();
    assert_eq!((rows.len(), reading.faulty, reading.rows, reading.faults.len()), (1, 20, 21, SHOWN));
    assert_eq!(reading.faults.first().unwrap(), "row 1: it is bad");
    let (rows, reading) = rows_of(b"[1,{\"arn\":\"a\"},\"x\"]", &[]).unwrap();
    assert_eq!((rows.len(), reading.faulty), (1, 2));
}

#[test]
fn broken_files_are_errors_and_never_panic() {
    for bytes in
        [&b"{\"arn\":"[..], b"[{\"arn\":\"a\"}", b"PAR1", b"PAR1\0\0\0\0PAR1", b"\x1f\x8b\x08broken", b"{} x"]
    {
        assert!(rows_of(bytes, &[]).is_err(), "{}", String::from_utf8_lossy(bytes));
    }
    for bytes in [&b""[..], b"\n", b"arn", b"\xff\xfe\n\xff"] {
        assert!(rows_of(bytes, &[]).unwrap().0.len() <= 1);
    }
    let nested = [b"[".repeat(5000), b"]".repeat(5000)].concat();
    assert!(rows_of(&nested, &[]).is_err(), "nesting is bounded");
}

#[test]
fn tags_may_have_columns_of_their_own() {
    let (rows, _) = rows_of(b"arn,Tag: Owner,tag:Team\na,mara,(not tagged)\n", &[]).unwrap();
    assert_eq!(rows.first().unwrap().2, [("Owner".to_owned(), "mara".to_owned())]);
}
