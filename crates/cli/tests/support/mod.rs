//! A script, run by the binary as people run it.

#![allow(dead_code, reason = "each test uses a part of it")]

use ballast_units::Usd;
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The folder of the scripts.
pub(crate) fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

/// `ballast` with these arguments and this standard input, in the folder of the scripts.
pub(crate) fn ballast(args: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ballast"));
    command.args(args).current_dir(scenarios());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // From another thread: a child that fails early does not read to the end.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    output
}

/// What a good script prints.
pub(crate) fn exec(script: &str) -> String {
    let output = ballast(&["exec", "-"], script);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the script failed: {errors}");
    assert_eq!(errors, "");
    String::from_utf8(output.stdout).unwrap()
}

/// A scenario of the folder, and its answers.
pub(crate) struct Run {
    answers: Vec<Value>,
}

impl Run {
    pub(crate) fn scenario(name: &str) -> Self {
        Self::script(&std::fs::read_to_string(scenarios().join(name)).unwrap())
    }

    pub(crate) fn script(script: &str) -> Self {
        let answers = exec(script).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Self { answers }
    }

    /// Every answer of a kind: "PositionOpened", "E2104", "show".
    pub(crate) fn all(&self, kind: &str) -> Vec<&Value> {
        let is_kind = |answer: &&Value| {
            answer["event"] == *kind
                || answer["reject"] == *kind
                || (kind == "show" && answer.get("show").is_some())
        };
        self.answers.iter().filter(is_kind).collect()
    }

    /// The only answer of a kind.
    pub(crate) fn one(&self, kind: &str) -> &Value {
        match self.all(kind)[..] {
            [one] => one,
            ref several => panic!("{} answers of kind {kind}", several.len()),
        }
    }

    /// What `show` printed last of a market or account: `shown("market", "ETH")`.
    pub(crate) fn shown(&self, of: &str, name: &str) -> &Value {
        let shown = self.answers.iter().rev().filter_map(|answer| answer.get("show"));
        shown.into_iter().find(|shown| shown[of] == *name).expect("the script shows it")
    }

    /// Everything that was refused.
    pub(crate) fn rejects(&self) -> Vec<&Value> {
        self.answers.iter().filter(|answer| answer.get("reject").is_some()).collect()
    }
}

/// The same decimal to 15 significant digits: `|found - want| <= |want| / 10^15`.
#[track_caller]
pub(crate) fn assert_15_digits(found: &Value, want: &str) {
    let text = found.as_str().unwrap_or_else(|| panic!("expected a decimal text, found {found}"));
    let [found, wanted] = [text, want].map(|text| text.parse::<Usd>().unwrap().wei());
    let scaled = found.abs_diff(wanted).checked_mul(10_u128.pow(15));
    assert!(scaled.is_some_and(|scaled| scaled <= wanted.unsigned_abs()), "found {text}, want {want}");
}

/// A decimal that is zero but for dust of the curve's rounding.
#[track_caller]
pub(crate) fn assert_dust(found: &Value) {
    let wei = found.as_str().unwrap().parse::<Usd>().unwrap().wei();
    // The curve keeps less than one wei of base a swap: at 121 dollars, 121 wei; five swaps at most here.
    assert!(wei.abs() < 5 * 121, "found {found}, want dust");
}
