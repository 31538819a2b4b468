//! Candle files: what is read, and every way a file can be bad, with file and line.

use std::fs;
use std::path::{Path, PathBuf};

use ballast_sim::candles::{CandleError, CandleFault, CandleSet, Candles, Column, HEADER, read_folder};
use ballast_units::{Millis, Price, Time};

const MINUTE: Millis = Millis::minutes(1);

/// A folder of this test alone, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("ballast-sim-{}-{test}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn with(self, name: &str, text: &str) -> Folder {
        fs::write(self.0.join(name), text).unwrap();
        self
    }

    fn read(&self) -> Result<CandleSet, CandleError> {
        read_folder(&self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Left behind if it cannot be removed: no test depends on that.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn csv(rows: &[&str]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

/// What reading these rows as the file `eth_usdt_1m.csv` says: text, line and fault.
fn fault(text: &str) -> (String, usize, CandleFault) {
    let error = Candles::from_csv(Path::new("eth_usdt_1m.csv"), MINUTE, text).unwrap_err();
    let said = error.to_string();
    match error {
        CandleError::Line { file, line, fault } => {
            assert_eq!(file, Path::new("eth_usdt_1m.csv"));
            assert!(said.starts_with(&format!("eth_usdt_1m.csv:{line}: ")), "{said}");
            assert!(said.contains("expected"), "{said}");
            (said, line, fault)
        }
        other => panic!("not about a line: {other}"),
    }
}

#[test]
fn reads_exact_decimals() {
    let text = csv(&[
        "60000,3441.123456789012345678,3442,3441.00,3441.5,12.5",
        "120000,3441.5,3441.5,3441.5,3441.5,0",
    ]);
    let candles = Candles::from_csv(Path::new("x"), MINUTE, &text).unwrap();
    assert_eq!(candles.interval(), MINUTE);
    let first = candles.series()[0];
    assert_eq!(first.time, Time::from_millis(60_000));
    assert_eq!(first.open.wei(), 3_441_123_456_789_012_345_678);
    assert_eq!((first.high, first.low), (price("3442"), price("3441")));
    assert_eq!(first.close, price("3441.5"));
    assert_eq!((candles.start(), candles.end()), (Time::from_millis(60_000), Time::from_millis(180_000)));
}

#[test]
fn reads_line_ends_of_windows() {
    let text = csv(&["0,1,1,1,1,0", "60000,1,1,1,1,0"]).replace('\n', "\r\n");
    assert_eq!(Candles::from_csv(Path::new("x"), MINUTE, &text).unwrap().series().len(), 2);
}

#[test]
fn reads_each_asset_with_its_interval_and_ignores_other_files() {
    let folder = Folder::new("mixed")
        .with("eth_usdt_5m_2020-03-05_2020-03-21.csv", &csv(&["0,1,2,1,2,0", "300000,2,2,2,2,0"]))
        .with("sol_usdt_1h.csv", &csv(&["0,1,2,1,2,0"]))
        .with("eth_gas_1m_2020-03-12.csv", "nonsense")
        .with("eth_usdt_book.csv", "nonsense")
        .with("eth_usdt_0m.csv", "nonsense")
        .with("btc_usdt_1m.csv.gz", "nonsense")
        .with("README.md", "nonsense");
    fs::create_dir(folder.0.join("btc_usdt_1m.csv")).unwrap();
    let before = folder_bytes(&folder.0);
    let set = folder.read().unwrap();
    let found: Vec<(&str, Millis, usize)> =
        set.iter().map(|(asset, c)| (asset.as_str(), c.interval(), c.series().len())).collect();
    assert_eq!(found, [("ETH", Millis::minutes(5), 2), ("SOL", Millis::hours(1), 1)]);
    assert_eq!(before, folder_bytes(&folder.0), "reading wrote something");
}

fn folder_bytes(folder: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(&path).ok()))
        .collect();
    files.sort();
    files
}

#[test]
fn window_cuts_whole_candles() {
    let text = csv(&["0,1,1,1,1,0", "60000,2,2,2,2,0", "120000,3,3,3,3,0"]);
    let candles = Candles::from_csv(Path::new("x"), MINUTE, &text).unwrap();
    let cut = |from, to| candles.window(Time::from_millis(from), Time::from_millis(to));
    assert_eq!(cut(0, 180_000), Some(candles.clone()));
    let middle = cut(1, 120_000).unwrap();
    assert_eq!((middle.start(), middle.end()), (Time::from_millis(60_000), Time::from_millis(120_000)));
    assert_eq!(cut(1, 60_000), None);
    assert_eq!(cut(180_000, 240_000), None);
    assert_eq!(cut(120_000, 60_000), None);
}

#[test]
fn rejects_a_folder_that_is_not_there() {
    let folder = Folder::new("absent");
    let error = read_folder(&folder.0.join("nowhere")).unwrap_err();
    assert!(matches!(error, CandleError::Folder { .. }), "{error}");
    assert!(error.to_string().ends_with("nowhere: cannot read the folder"), "{error}");
}

#[test]
fn rejects_a_file_that_is_not_text() {
    let folder = Folder::new("binary");
    fs::write(folder.0.join("eth_usdt_1m.csv"), [0xff, 0xfe]).unwrap();
    let error = folder.read().unwrap_err();
    assert!(matches!(error, CandleError::File { .. }), "{error}");
    assert!(error.to_string().ends_with("eth_usdt_1m.csv: cannot read the file"), "{error}");
}

#[test]
fn rejects_a_folder_without_candles() {
    let folder = Folder::new("none").with("eth_gas_1m.csv", "").with("notes.txt", "");
    let error = folder.read().unwrap_err();
    assert!(matches!(error, CandleError::NoFile { .. }), "{error}");
    assert!(error.to_string().contains("expected files like eth_usdt_1m.csv"), "{error}");
}

#[test]
fn rejects_two_files_for_one_asset() {
    let rows = csv(&["0,1,1,1,1,0"]);
    let folder = Folder::new("two").with("ETH_usdt_1m.csv", &rows).with("eth_usdt_5m.csv", &rows);
    let error = folder.read().unwrap_err();
    assert!(matches!(&error, CandleError::TwoFiles { asset, .. } if asset == "ETH"), "{error}");
    let said = error.to_string();
    assert!(said.contains("ETH_usdt_1m.csv") && said.contains("eth_usdt_5m.csv"), "{said}");
}

#[test]
fn rejects_a_bad_line_in_a_folder_with_its_path() {
    let folder = Folder::new("line").with("eth_usdt_1m.csv", &csv(&["0,1,1,1,1,0", "60000,1,1,0,1,0"]));
    let error = folder.read().unwrap_err();
    let file = folder.0.join("eth_usdt_1m.csv");
    let expected = format!("{}:3: low is 0; expected a price above zero", file.display());
    assert_eq!(error.to_string(), expected);
}

#[test]
fn rejects_an_empty_file() {
    assert_eq!(fault("").1, 1);
    assert_eq!(fault("").2, CandleFault::Empty { expected: HEADER });
    let (said, line, _) = fault(&format!("{HEADER}\n"));
    assert_eq!(line, 2);
    assert_eq!(said, "eth_usdt_1m.csv:2: the file ends here; expected a candle");
}

#[test]
fn rejects_a_missing_header() {
    let (_, line, found) = fault("0,1,1,1,1,0\n");
    assert_eq!((line, found), (1, CandleFault::Header { found: "0,1,1,1,1,0".into() }));
    assert_eq!(fault("timestamp_ms,open,high,low,close\n").1, 1);
}

#[test]
fn rejects_a_wrong_column_count() {
    let (_, line, found) = fault(&csv(&["0,1,1,1,1,0", "60000,1,1,1,1"]));
    assert_eq!((line, found), (3, CandleFault::ColumnCount { found: 5 }));
    assert_eq!(fault(&csv(&["0,1,1,1,1,0,9"])).2, CandleFault::ColumnCount { found: 7 });
    assert_eq!(fault(&csv(&["0,1,1,1,1,0", "", "60000,1,1,1,1,0"])).1, 3);
}

#[test]
fn rejects_unreadable_numbers() {
    let cases = [
        ("x,1,1,1,1,0", Column::Timestamp, "x"),
        ("-60000,1,1,1,1,0", Column::Timestamp, "-60000"),
        ("1.5,1,1,1,1,0", Column::Timestamp, "1.5"),
        // Microseconds.
        ("1735689600000000,1,1,1,1,0", Column::Timestamp, "1735689600000000"),
        ("0,,1,1,1,0", Column::Open, ""),
        ("0,1,1e3,1,1,0", Column::High, "1e3"),
        ("0,1,1, 1,1,0", Column::Low, " 1"),
        ("0,1,1,1,NaN,0", Column::Close, "NaN"),
        ("0,1,1,1,1.0000000000000000001,0", Column::Close, "1.0000000000000000001"),
        ("0,1,1,1,1,many", Column::Volume, "many"),
        ("0,1,1,1,1,-1", Column::Volume, "-1"),
    ];
    for (row, column, text) in cases {
        match fault(&csv(&[row])) {
            (_, 2, CandleFault::Number { column: at, found, .. }) => {
                assert_eq!((at, &*found), (column, text))
            }
            (said, ..) => panic!("{row}: {said}"),
        }
    }
}

#[test]
fn rejects_zero_and_negative_prices() {
    let cases = [
        ("0,0,1,1,1,0", Column::Open, "0"),
        ("0,1,0.00,1,1,0", Column::High, "0.00"),
        ("0,1,1,-5,1,0", Column::Low, "-5"),
        ("0,1,1,1,-0.1,0", Column::Close, "-0.1"),
    ];
    for (row, column, found) in cases {
        let (_, line, fault) = fault(&csv(&[row]));
        assert_eq!((line, fault), (2, CandleFault::NotPositive { column, found: found.into() }));
    }
}

#[test]
fn rejects_a_price_out_of_range() {
    // The limit is 2^90 wei, 1,237,940,039.28 dollars.
    for text in ["1237940040", "99999999999999999999999999999999999999999999"] {
        let (said, line, fault) = fault(&csv(&[&format!("0,{text},1,1,1,0")]));
        assert_eq!((line, fault), (2, CandleFault::OutOfRange { column: Column::Open, found: text.into() }));
        assert!(said.contains("expected at most 1237940039.28"), "{said}");
    }
    let row = "0,1237940039,1237940039,1237940039,1237940039,0";
    assert!(Candles::from_csv(Path::new("x"), MINUTE, &csv(&[row])).is_ok());
}

#[test]
fn rejects_high_below_low() {
    let (_, line, found) = fault(&csv(&["0,1,1,1,1,0", "60000,2,1,3,2,0"]));
    assert_eq!((line, found), (3, CandleFault::HighBelowLow { high: price("1"), low: price("3") }));
}

#[test]
fn rejects_open_or_close_outside_the_extremes() {
    for (row, column, found) in [
        ("0,4,3,1,2,0", Column::Open, "4"),
        ("0,0.5,3,1,2,0", Column::Open, "0.5"),
        ("0,2,3,1,3.1,0", Column::Close, "3.1"),
        ("0,2,3,1,0.9,0", Column::Close, "0.9"),
    ] {
        let outside =
            CandleFault::OutsideExtremes { column, found: price(found), low: price("1"), high: price("3") };
        let (_, line, fault) = fault(&csv(&[row]));
        assert_eq!((line, fault), (2, outside));
    }
}

#[test]
fn rejects_a_duplicate() {
    let (said, line, _) = fault(&csv(&["0,1,1,1,1,0", "60000,1,1,1,1,0", "60000,1,1,1,1,0"]));
    assert_eq!(line, 4);
    assert_eq!(said, "eth_usdt_1m.csv:4: timestamp 60000 is there twice; expected 120000");
}

#[test]
fn rejects_time_going_backwards() {
    let (said, line, _) = fault(&csv(&["60000,1,1,1,1,0", "120000,1,1,1,1,0", "60000,1,1,1,1,0"]));
    assert_eq!(line, 4);
    assert_eq!(said, "eth_usdt_1m.csv:4: time goes back from 120000 to 60000; expected 180000");
}

#[test]
fn rejects_candles_closer_than_the_interval() {
    let (_, line, found) = fault(&csv(&["0,1,1,1,1,0", "59000,1,1,1,1,0"]));
    let early = CandleFault::TooEarly {
        found: Time::from_millis(59_000),
        expected: Time::from_millis(60_000),
        early: Millis::seconds(1),
    };
    assert_eq!((line, found), (3, early));
}

#[test]
fn rejects_a_gap() {
    let (said, line, _) = fault(&csv(&["0,1,1,1,1,0", "240000,1,1,1,1,0"]));
    assert_eq!(line, 3);
    let expected = "eth_usdt_1m.csv:3: a gap of 180000 ms before 240000; expected a candle at 60000";
    assert_eq!(said, expected);
}

#[test]
fn real_folders_read_whole() {
    let Some(data) = std::env::var_os("BALLAST_DATA").map(PathBuf::from) else {
        println!("skipped: BALLAST_DATA is not set");
        return;
    };
    let crash = read_folder(&data.join("2021-05-19")).unwrap();
    assert_eq!(crash.keys().collect::<Vec<_>>(), ["BNB", "BTC", "ETH", "MATIC", "SOL"]);
    // 19 May 2021, 00:00 to 24:00 UTC; the low of 1,888 is in the data's own README.
    let day = crash["ETH"]
        .window(Time::from_millis(1_621_382_400_000), Time::from_millis(1_621_468_800_000))
        .unwrap();
    assert_eq!(day.series().len(), 1_440);
    let low = day.series().iter().map(|candle| candle.low).min().unwrap();
    assert!(price("1888") <= low && low < price("1889"), "{low}");

    let thursday = read_folder(&data.join("2020-03-12")).unwrap();
    assert_eq!(thursday.keys().collect::<Vec<_>>(), ["ETH"]);
    assert_eq!(thursday["ETH"].interval(), Millis::minutes(5));
    let low = thursday["ETH"].series().iter().map(|candle| candle.low).min().unwrap();
    assert_eq!(low, price("86"));
}
