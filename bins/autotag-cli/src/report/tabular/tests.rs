//! The same rows in every format.

use super::bounded::MOST;
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
    assert_eq!((rows.len(), reading.faulty, reading.rows), (1, 20, 21));
    assert_eq!(reading.told(), "it is bad (20 rows: 1, 2, 3, ...)");
    let (_, reading) = rows_of(b"arn\na\nbad\n", &[]).unwrap();
    assert_eq!(reading.told(), "it is bad (row 2)");
    let (_, reading) = rows_of(b"arn\nbad\na\nbad\n", &[]).unwrap();
    assert_eq!(reading.told(), "it is bad (rows 1, 3)");
    let (rows, reading) = rows_of(b"[1,{\"arn\":\"a\"},\"x\"]", &[]).unwrap();
    assert_eq!((rows.len(), reading.faulty), (1, 2));
}

#[test]
fn different_faults_are_shown_to_a_bound_each_and_in_number() {
    let rows: Vec<String> = (0..SHOWN + 5).map(|row| format!("{row}{}", "é".repeat(300))).collect();
    let text = format!("arn\n{}", rows.join("\n"));
    let mut visit = |cells: &Cells| Err(cells.get(0).unwrap_or_default().to_owned());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let reading = read(file.path(), &COLUMNS, &[], &mut visit).unwrap();
    let told = reading.told();
    assert!(told.ends_with("; other reasons (5 rows)"), "{told}");
    assert!(told.starts_with("0é") && told.chars().count() < SHOWN * 230, "{}", told.chars().count());
}

#[test]
fn a_row_without_an_end_is_refused_with_its_line() {
    let long = |begin: &str, end: &str| {
        let text = format!("{begin}{}{end}", "x,y\n".repeat(MOST / 3));
        format!("{:#}", rows_of(text.as_bytes(), &[]).unwrap_err())
    };
    let told = long("arn,type\na,T\nb,\"T\n", "");
    assert!(
        told.contains("line 3: is a quote not closed") && told.contains("a row is longer than"),
        "{told}"
    );
    let told = long("\"arn,type\n", "");
    assert!(told.contains("line 1: ") && told.contains("a row is longer than"), "{told}");
    for begin in ["[{\"arn\":\"a\"},{\"arn\":\"", "{\"arn\":\"a\"}\n{\"arn\":\""] {
        let text = format!("{begin}{}\"}}]", "x".repeat(2 * MOST));
        let told = format!("{:#}", rows_of(text.as_bytes(), &[]).unwrap_err());
        assert!(told.contains("after row 1") && told.contains("a row is longer than"), "{told}");
    }
    // Gzipped, a thousandth of it is read from the disk.
    let told = format!("{:#}", rows_of(&gzipped(&vec![b'x'; 3 * MOST]), &[]).unwrap_err());
    assert!(told.contains("a row is longer than"), "{told}");
    // Many rows take more than one may.
    let text = format!("arn,type\n{}", "a,T\n".repeat(MOST / 2));
    assert_eq!(rows_of(text.as_bytes(), &[]).unwrap().1.rows, (MOST / 2) as u64);
}

#[test]
fn rows_behind_an_open_quote_are_not_lost_in_silence() {
    let told = format!("{:#}", rows_of(b"arn,type\na,T\nb,\"T\nc,T\nd,T", &[]).unwrap_err());
    assert!(told.contains("line 3: a quote is not closed"), "{told}");
    let closed = b"arn,type\na,\"T\nand more\"\n5\" disk,\"\"\"quoted\"\" and\nmore\"\n\"inch\",5\"\n";
    assert_eq!(rows_of(closed, &[]).unwrap().1.rows, 3);
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
fn broken_json_is_described_in_plain_words() {
    for (text, words) in [
        (
            "[{\"arn\":\"a\"},\n {\"arn\" \"b\"}]",
            "after row 1: line 2, column 9: not JSON: no colon after the name of a member",
        ),
        (
            "{\"arn\":\"a\"}\n{\"arn\":",
            "after row 1: line 2, column 7: not JSON: the value was cut, its end is missing",
        ),
        ("{\"Resources\": \"secret\"}", "line 1, column 22: not a list of JSON objects: "),
        ("{} x", "not JSON: a value is missing"),
    ] {
        let told = format!("{:#}", rows_of(text.as_bytes(), &[]).unwrap_err());
        assert!(told.contains(words) && !told.contains("secret"), "{told}");
    }
}

#[test]
fn tags_may_have_columns_of_their_own() {
    let (rows, _) = rows_of(b"arn,Tag: Owner,tag:Team\na,mara,(not tagged)\n", &[]).unwrap();
    assert_eq!(rows.first().unwrap().2, [("Owner".to_owned(), "mara".to_owned())]);
}
