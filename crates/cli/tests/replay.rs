//! `ballast replay` as people run it: the same seed twice, what it writes, and what it refuses.

mod support;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use support::ballast;

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("ballast-replay-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str, text: &str) -> String {
        fs::write(self.0.join(name), text).unwrap();
        self.path(name)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The hour of the deepest fall, for few.
const HOUR: &str = "\
from = 2021-05-19T12:20:00Z
to = 2021-05-19T13:20:00Z
warm_up = 2400000
";

/// Seed by seed, the same lines as one by one.
#[test]
fn several_seeds_are_a_line_each() {
    let folder = Folder::new("seeds");
    let scenario = folder.file("hour.toml", HOUR);
    let asked = ["replay", "--scenario", &scenario, "--accounts", "60", "--seeds", "2..3"];
    let output = ballast(&asked, "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| line["seed"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 3]);
    let (_, alone) = replay(&["--scenario", &scenario, "--accounts", "60", "--seed", "3"]);
    assert_eq!(lines[1]["state_hash"], alone["state_hash"]);
    for wrong in ["3..2", "1", "a..b"] {
        let output = ballast(&["replay", "--seeds", wrong], "");
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("such as 1..5"), "{wrong}");
    }
}

/// What a replay prints, and its last line.
fn replay(args: &[&str]) -> (String, Value) {
    let output = ballast(&[&["replay", "--json"], args].concat(), "");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    let last = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    (text, last)
}

/// What is said of a replay that is refused.
#[track_caller]
fn refused(args: &[&str]) -> String {
    let output = ballast(&[&["replay"], args].concat(), "");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), b"".as_slice()), "{errors}");
    errors
}

#[test]
fn the_last_line_is_one_object_and_the_same_seed_gives_the_same_hash() {
    let folder = Folder::new("json");
    let scenario = folder.file("hour.toml", HOUR);
    let args = ["--accounts", "120", "--seed", "7", "--scenario", &scenario];
    let (text, first) = replay(&args);
    assert_eq!(text.lines().count(), 1);
    for key in ["state_hash", "seconds", "liquidated", "bad_debt", "waterfall"] {
        assert!(!first[key].is_null(), "no {key} in {first}");
    }
    for layer in ["tranche", "float", "cover", "deficit", "deleveraged"] {
        assert!(first["waterfall"][layer].is_string(), "no {layer} in {first}");
    }
    assert!(0 < first["liquidated"].as_u64().unwrap());
    assert_eq!((first["seed"].as_u64(), first["accounts"].as_u64()), (Some(7), Some(120)));
    let (_, second) = replay(&args);
    assert_eq!(first["state_hash"], second["state_hash"]);
    let (_, other) = replay(&["--accounts", "120", "--seed", "8", "--scenario", &scenario]);
    assert_ne!(first["state_hash"], other["state_hash"]);
}

#[test]
fn people_get_a_table() {
    let folder = Folder::new("table");
    let scenario = folder.file("hour.toml", HOUR);
    let output = ballast(&["replay", "--accounts", "60", "--scenario", &scenario], "");
    let text = String::from_utf8(output.stdout).unwrap();
    for row in ["accounts liquidated", "bad debt, USD", "left as deficit", "state hash", "slippage", "hour"] {
        assert!(text.lines().any(|line| line.trim_start().starts_with(row)), "no {row} in {text}");
    }
}

#[test]
fn what_is_recorded_verifies_and_the_report_is_whole() {
    let folder = Folder::new("record");
    let scenario = folder.file("hour.toml", HOUR);
    let (log, report) = (folder.path("day.log"), folder.path("day.html"));
    let (_, object) =
        replay(&["--accounts", "60", "--scenario", &scenario, "--record", &log, "--report", &report]);
    assert_eq!(folder.names(), ["day.html", "day.log", "hour.toml"]);
    let verified = ballast(&["verify", "--json", &log], "");
    assert!(verified.status.success());
    let text = String::from_utf8(verified.stdout).unwrap();
    let verdict: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(verdict["state_hash"], object["state_hash"]);
    assert_eq!(verdict["blocks"], object["blocks"]);
    let html = fs::read_to_string(&report).unwrap();
    assert!(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>\n"));
    assert!(html.contains(object["state_hash"].as_str().unwrap()));
}

#[test]
fn speed_changes_nothing_but_time() {
    let folder = Folder::new("speed");
    let scenario = folder.file("minute.toml", &HOUR.replace("13:20", "12:21"));
    let args = ["--accounts", "5", "--scenario", &scenario];
    let (_, fast) = replay(&args);
    let (_, paced) = replay(&[args.as_slice(), &["--speed", "500"]].concat());
    assert_eq!(paced["state_hash"], fast["state_hash"]);
}

#[test]
fn bad_input_leaves_nothing_behind() {
    let folder = Folder::new("bad");
    let (log, report) = (folder.path("day.log"), folder.path("day.html"));
    let with = |args: &[&str]| refused(&[args, &["--record", &log, "--report", &report]].concat());
    let scenario = folder.file("bad.toml", "accounts = 20\n[bidders]\nnumbr = 3\n");
    let text = with(&["--scenario", &scenario]);
    assert!(text.contains("bad.toml:3: unknown field `numbr`"), "{text}");
    let scenario = folder.file("bad.toml", "from = 2021-05-18T00:00:00Z\n");
    let text = with(&["--scenario", &scenario]);
    assert!(text.contains("bad.toml: the scenario runs from 2021-05-18 00:00:00"), "{text}");
    let text = with(&["--accounts", "0"]);
    assert!(text.contains("accounts is 0; expected 1 to 10,000,000"), "{text}");
    let text = with(&["--scenario", &folder.path("none.toml")]);
    assert!(text.contains("none.toml: cannot read the file: "), "{text}");
    let text = with(&["--prices", &folder.path("none")]);
    assert!(text.contains("none: cannot read the folder: "), "{text}");
    let text = with(&["--speed", "fast"]);
    assert!(text.contains("expected a number, zero or above, found \"fast\""), "{text}");
    assert_eq!(folder.names(), ["bad.toml"]);
}

#[test]
fn bad_candles_are_named_with_file_and_line() {
    let header = "timestamp_ms,open,high,low,close,volume\n";
    let good = "0,100,100,100,100,1\n60000,100,100,100,100,1\n";
    for (bad, want) in [
        ("180000,100,100,100,100,1\n", "a gap of 60000 ms"),
        ("60000,100,100,100,100,1\n", "is there twice"),
        ("0,100,100,100,100,1\n", "time goes back"),
        ("120000,0,100,0,100,1\n", "expected a price above zero"),
        ("120000,-1,100,-1,100,1\n", "expected a price above zero"),
        ("120000,100,100,100,100\n", "5 columns"),
        ("120000,100,1e99,100,100,1\n", "expected a decimal number"),
    ] {
        let folder = Folder::new(&format!("candles-{}", want.len()));
        folder.file("eth_usdt_1m.csv", &format!("{header}{good}{bad}"));
        let report = folder.path("day.html");
        let text = refused(&["--prices", folder.0.to_str().unwrap(), "--report", &report]);
        assert!(text.contains("eth_usdt_1m.csv:4: ") && text.contains(want), "{want:?} not in {text:?}");
        assert_eq!(folder.names(), ["eth_usdt_1m.csv"]);
    }
    let folder = Folder::new("unknown");
    folder.file("doge_usdt_1m.csv", &format!("{header}{good}"));
    let text = refused(&["--prices", folder.0.to_str().unwrap()]);
    assert!(text.contains("no candles of an asset that the house knows"), "{text}");
}

#[test]
fn real_candles_are_replayed() {
    let Some(data) = std::env::var_os("BALLAST_DATA").map(PathBuf::from) else {
        println!("skipped: BALLAST_DATA is not set");
        return;
    };
    let (_, object) = replay(&["--accounts", "200", "--prices", data.join("2021-05-19").to_str().unwrap()]);
    assert_eq!(object["from"], 1_621_382_400_000_u64);
    assert_eq!(object["hours"].as_array().unwrap().len(), 24);
    assert!(object["hours"][12]["aave"].is_string());
    assert!(20 < object["liquidated"].as_u64().unwrap());
    // 12 March 2020 has ETH only.
    let (_, object) = replay(&["--accounts", "200", "--prices", data.join("2020-03-12").to_str().unwrap()]);
    assert_eq!(object["from"], 1_583_971_200_000_u64);
    assert_eq!(object["slippage"].as_array().unwrap().len(), 1);
    assert!(20 < object["liquidated"].as_u64().unwrap());
}

#[test]
fn the_scenarios_that_come_along_run() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let away = scenarios.join("bidders_away.toml");
    let (_, object) = replay(&["--accounts", "60", "--scenario", away.to_str().unwrap()]);
    assert_eq!(object["scenario"], "19 May 2021, bidders gone from 12:45 to 13:15");
}
