//! Bills in the formats of FOCUS and CUR: sums are exact.

use super::*;
#[cfg(feature = "parquet")]
use parquet::{
    data_type::{ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType},
    file::properties::WriterProperties,
    file::writer::SerializedFileWriter,
    schema::parser::parse_message_type,
};
use std::io::Write as _;

fn read(bytes: &[u8]) -> (Costs, Reading) {
    let mut costs = Costs::default();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let reading = costs.read(file.path(), &[]).unwrap();
    (costs, reading)
}

fn by_resource(costs: &Costs) -> Vec<(String, String)> {
    let mut all: Vec<_> = costs
        .by_resource
        .iter()
        .map(|(charged, money)| (charged.resource.clone(), money.rounded()))
        .collect();
    all.sort();
    all
}

#[test]
fn focus_and_cur_are_read() {
    let focus = "BilledCost,BillingCurrency,EffectiveCost,ResourceId,SubAccountId,ServiceName\n\
                 0.10,USD,9,i-1,111122223333,Amazon EC2\n0.20,USD,9,i-1,111122223333,Amazon EC2\n1,EUR,9,,111122223333,Tax\n";
    let cur = "line_item_resource_id,line_item_unblended_cost,line_item_currency_code,line_item_usage_account_id,line_item_product_code\n\
               i-1,0.1,USD,111122223333,AmazonEC2\ni-1,2E-1,USD,111122223333,AmazonEC2\n,1.0,EUR,111122223333,Tax\n";
    let legacy = cur
        .replace("line_item_resource_id", "lineItem/ResourceId")
        .replace("line_item_unblended_cost", "lineItem/UnblendedCost");
    let legacy = legacy.replace("line_item_currency_code", "lineItem/CurrencyCode");
    for text in [focus.to_owned(), cur.to_owned(), legacy] {
        let (costs, reading) = read(text.as_bytes());
        assert_eq!(reading.faulty, 0, "{:?}", reading.faults);
        let expected = [(String::new(), "1.00 EUR".to_owned()), ("i-1".to_owned(), "0.30 USD".to_owned())];
        assert_eq!(by_resource(&costs), expected);
        assert_eq!(costs.total.of("USD").unwrap().to_string(), "0.30", "exactly, and in its own currency");
    }
}

#[test]
fn what_is_no_cost_is_a_fault() {
    let (costs, reading) =
        read(b"ResourceId,BilledCost,BillingCurrency\na,1,USD\nb,x,USD\nc,1,\nd,1,US Dollar!\ne,,USD\n");
    assert_eq!(by_resource(&costs), [("a".to_owned(), "1.00 USD".to_owned())]);
    assert_eq!(reading.faulty, 3, "a row without a cost costs nothing: {:?}", reading.faults);
}

#[test]
fn a_cost_whose_account_cannot_be_read_is_counted_and_a_fault() {
    let (costs, reading) = read(
        b"ResourceId,BilledCost,BillingCurrency,SubAccountId\ni-1,1,USD,1.11122E+11\ni-1,2,USD,111122223333\n\
          i-1,4,USD,\narn:aws:sqs:eu-west-1:111122223333:a,8,USD,prod\n,16,USD,prod\n",
    );
    assert_eq!(costs.total.of("USD").unwrap().to_string(), "31.00");
    assert_eq!((costs.by_resource.len(), costs.without_account.len()), (4, 1), "{costs:?}");
    let told = reading.told();
    assert_eq!(reading.faulty, 1, "{told}");
    assert!(
        told.contains("the account `1.11122E+11` is not a number of 12 digits") && told.contains("(row 1)"),
        "{told}"
    );
}

#[test]
fn a_cost_of_another_cloud_is_counted_and_of_no_resource() {
    let (costs, reading) = read(
        b"ResourceId,BilledCost,BillingCurrency,SubAccountId,ProviderName\n\
          i-1,1,USD,111122223333,AWS\ni-1,2,USD,111122223333,Amazon Web Services\n\
          i-1,4,USD,my-subscription,Microsoft\ni-1,8,USD,111122223333,Google Cloud\n",
    );
    assert_eq!(reading.faulty, 0, "{:?}", reading.faults);
    assert_eq!(by_resource(&costs), [("i-1".to_owned(), "3.00 USD".to_owned())]);
    assert_eq!(costs.total.of("USD").unwrap().to_string(), "15.00");
    let (_, reading) =
        read(b"ResourceId,BilledCost,BillingCurrency,SubAccountId,ProviderName\ni-1,1,USD,1.1E+11,AWS\n");
    assert_eq!(reading.faulty, 1, "an account of AWS has 12 digits");
}

#[test]
fn another_file_is_refused() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"name,price\na,1\n").unwrap();
    let error = Costs::default().read(file.path(), &[]).unwrap_err().to_string();
    assert!(error.contains("ResourceId") && error.contains("--column"), "{error}");
}

/// A bill in Parquet. `cost` is the type of its costs.
#[cfg(feature = "parquet")]
fn parquet(
    cost: &str,
    write: impl FnOnce(&mut parquet::file::writer::SerializedColumnWriter<'_>),
) -> Vec<u8> {
    let text = "REQUIRED BYTE_ARRAY";
    let schema = format!(
        "message bill {{ {text} ResourceId (UTF8); {cost} BilledCost; {text} BillingCurrency (UTF8); {text} Other (UTF8); }}"
    );
    let schema = schema.replace(
        "BilledCost; ",
        if cost.contains("FIXED") { "BilledCost (DECIMAL(30,10)); " } else { "BilledCost; " },
    );
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema, Arc::new(WriterProperties::default())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let texts = |group: &mut parquet::file::writer::SerializedRowGroupWriter<'_, Vec<u8>>,
                 cells: [&str; 3]| {
        let mut column = group.next_column().unwrap().unwrap();
        let cells = cells.map(ByteArray::from);
        column.typed::<ByteArrayType>().write_batch(&cells, None, None).unwrap();
        column.close().unwrap();
    };
    texts(&mut group, ["i-1", "i-1", ""]);
    let mut column = group.next_column().unwrap().unwrap();
    write(&mut column);
    column.close().unwrap();
    texts(&mut group, ["USD"; 3]);
    texts(&mut group, ["x"; 3]);
    group.close().unwrap();
    writer.into_inner().unwrap()
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_has_decimals_or_floating_point_numbers() {
    let doubles = parquet("REQUIRED DOUBLE", |column| {
        column.typed::<DoubleType>().write_batch(&[0.1, 0.2, -1.0e-7], None, None).unwrap();
    });
    let decimals = parquet("REQUIRED FIXED_LEN_BYTE_ARRAY(16)", |column| {
        let cells = [1_000_000_000_i128, 2_000_000_000, -1000];
        let cells = cells.map(|cell| FixedLenByteArray::from(cell.to_be_bytes().to_vec()));
        column.typed::<FixedLenByteArrayType>().write_batch(&cells, None, None).unwrap();
    });
    for bytes in [doubles, decimals] {
        let (costs, reading) = read(&bytes);
        assert_eq!(reading.faulty, 0, "{:?}", reading.faults);
        assert_eq!(costs.total.of("USD").unwrap().to_string(), "0.2999999");
    }
}
