//! Real liquidation calls, read from CSV.

use ballast_sim::Liquidated;
use ballast_units::{Amount, Time};
use std::path::{Path, PathBuf};

fn parse(text: &str) -> Result<Liquidated, String> {
    Liquidated::parse(Path::new("calls.csv"), text).map_err(|error| error.to_string())
}

fn between(calls: &Liquidated, from: u64, to: u64) -> String {
    calls.between(Time::from_millis(from), Time::from_millis(to)).to_string()
}

#[test]
fn sums_between_two_moments() {
    let calls = parse("timestamp_ms,who,debt_usd\n3000,a,2.5\n1000,b,1\n1000,c,\n2000,d,4\n").unwrap();
    assert_eq!(between(&calls, 0, 9_999), "7.5");
    assert_eq!(between(&calls, 1_000, 2_000), "1");
    assert_eq!(between(&calls, 2_000, 3_000), "4");
    assert_eq!(between(&calls, 3_001, 9_999), "0");
    assert_eq!(between(&calls, 9, 8), "0");
}

#[test]
fn names_the_line_that_cannot_be_read() {
    let refused = |text: &str| parse(text).expect_err("it should be refused");
    assert_eq!(refused(""), "calls.csv:1: the header has no column timestamp_ms");
    assert_eq!(refused("timestamp_ms,x\n"), "calls.csv:1: the header has no column debt_usd");
    let header = "timestamp_ms,debt_usd\n";
    assert_eq!(refused(&format!("{header}1,2\n1\n")), "calls.csv:3: 1 columns; expected 2, as in the header");
    assert_eq!(
        refused(&format!("{header}soon,2\n")),
        "calls.csv:2: timestamp_ms is \"soon\"; expected unix milliseconds"
    );
    for debt in ["-1", "much", "1e400"] {
        let want = format!("calls.csv:2: debt_usd is \"{debt}\"; expected a decimal number, zero or above");
        assert_eq!(refused(&format!("{header}1,{debt}\n")), want);
    }
}

#[test]
fn a_folder_without_calls_has_none() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert_eq!(Liquidated::read_folder(here).unwrap(), None);
    assert!(Liquidated::read_folder(&here.join("nowhere")).is_err());
}

#[test]
fn reads_what_aave_liquidated() {
    let Some(data) = std::env::var_os("BALLAST_DATA").map(PathBuf::from) else {
        println!("skipped: BALLAST_DATA is not set");
        return;
    };
    let calls = Liquidated::read_folder(&data.join("2021-05-19")).unwrap().expect("the data has calls");
    // The 19th: 156.3 M USD, 130.5 M of it from 11 to 15 h; here rounded down.
    let hour = |hour: u64| Time::from_millis(1_621_382_400_000 + hour * 3_600_000);
    let millions = |from, to| calls.between(hour(from), hour(to)).wei() / 10_u128.pow(23);
    assert_eq!((millions(0, 24), millions(11, 15)), (1_562, 1_305));
    assert!(calls.between(hour(0), hour(24)) < Amount::whole(157_000_000));
}
