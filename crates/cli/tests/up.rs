//! `ballast up`, over the fall alone: chains hold what the ledger says, the log leads to the same house, and no node outlives the run.

use serde_json::Value;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::Duration;

/// Packages of `contracts/`, without which there is no node.
fn has_packages() -> bool {
    let there =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/node_modules/.bin/anvil").exists();
    if !there {
        eprintln!("skipped: contracts/node_modules is not there; run `npm ci` in contracts/");
    }
    there
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // What an earlier run left, if there was one.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The run's own scenario, for 22 minutes of the fall only.
fn steep(folder: &Path) -> PathBuf {
    let scenario = include_str!("../../../scenarios/up.toml");
    let scenario = scenario.replace("T12:30:00Z", "T12:50:00Z").replace("T14:30:00Z", "T13:12:00Z");
    // The fourth chain joins a minute later.
    let scenario = scenario.replace("T12:33:00Z", "T12:51:00Z");
    // The drills are where they are in the whole run: 12:55 and 13:05.
    let scenario = scenario.replace("rotate_after = 1500000", "rotate_after = 300000");
    let scenario = scenario.replace("freeze_after = 2100000", "freeze_after = 900000");
    let file = folder.join("steep.toml");
    std::fs::write(&file, scenario.replace("warm_up = 1200000", "warm_up = 900000")).unwrap();
    file
}

fn up(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ballast"));
    command.args(["up", "--speed", "0", "--plain", "--json", "--accounts", "200"]);
    command
        .arg("--scenario")
        .arg(steep(folder))
        .arg("--dir")
        .arg(folder)
        .arg("--report")
        .arg(folder.join("report.html"));
    // Nodes name their folders there: by that they are found.
    command.env("TMPDIR", folder).stdin(Stdio::null());
    command
}

/// Nodes whose folder is in this one: their processes, and the shells around them.
fn nodes(folder: &Path) -> usize {
    let mark = folder.join("ballast-anvil-").to_string_lossy().into_owned();
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let told = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    told.filter(|line| String::from_utf8_lossy(line).contains(&mark)).count()
}

#[test]
fn the_fall_ends_with_chains_and_ledger_the_same_to_the_wei() {
    if !has_packages() {
        return;
    }
    let folder = folder("up_short");
    let Output { status, stdout, stderr } = up(&folder).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{stdout}\n{stderr}");
    let json = stdout.lines().rev().find(|line| line.starts_with('{')).expect("a line of JSON");
    let told: Value = serde_json::from_str(json).unwrap();
    let run = &told["up"];
    assert_eq!(run["state_hash"], run["again"]);
    let chains = run["chains"].as_array().unwrap();
    assert_eq!(chains.len(), 4);
    for token in chains.iter().flat_map(|chain| chain["tokens"].as_array().unwrap()) {
        assert_eq!(token["ledger"], token["vault"], "{token}");
    }
    let sum = |what: &str| chains.iter().map(|chain| chain[what].as_u64().unwrap()).sum::<u64>();
    assert!(200 <= sum("deposits") && 0 < sum("takes"), "{run}");
    let by = |way: &str| chains.iter().map(|chain| chain[way]["orders"].as_u64().unwrap()).sum::<u64>();
    assert!(0 < by("by_layerzero") && 0 < by("by_keepers"), "{run}");
    // At home keepers bring orders, each from its own wallet.
    assert_ne!(chains[0]["gas_keepers"], "0");
    assert!(0 < run["feed_readings"].as_u64().unwrap(), "{run}");
    // Every root of H0, H1 and liabilities is on the attestation chain as the hub's own engine gave it.
    let attestation = &run["attestation"];
    let given: Vec<u64> =
        attestation["given"].as_array().unwrap().iter().map(|given| given.as_u64().unwrap()).collect();
    assert!(given.iter().all(|given| 0 < *given), "{run}");
    assert_eq!(attestation["same"].as_u64(), Some(given.iter().sum()));
    assert!(0 < run["signatures"].as_u64().unwrap());
    // The chain that joined is used like the others, and the reserve's share of fees lies in Safes.
    let joined = &chains[3];
    assert_eq!(joined["name"], "layer2");
    assert!(20 < joined["deposits"].as_u64().unwrap(), "{run}");
    assert!(0 < joined["by_layerzero"]["orders"].as_u64().unwrap(), "{run}");
    assert!(chains.iter().all(|chain| chain["cold"] == chain["safe"] && chain["safe"] != "0"), "{run}");
    // The validator rotated to another key and every vault was frozen, and no fact was refused.
    let (summary, drills) = (&told["summary"], &told["summary"]["drills"]);
    assert_eq!(summary["refused_facts"], Value::Array(Vec::new()));
    assert_eq!(drills["rotation_ordered"][1], 1);
    let rows = drills["chains"].as_array().unwrap();
    assert_eq!(rows.len(), 4, "{drills}");
    for row in rows {
        assert!(row["rotated"].is_u64() && row["rotated_final"].is_u64(), "{row}");
        assert!(row["frozen_from"].is_u64(), "{row}");
        assert_eq!(row["frozen_until"], drills["freeze_signed"][1], "{row}");
    }
    let held = |what: &str| rows.iter().map(|row| row[what].as_u64().unwrap()).sum::<u64>();
    assert!(0 < held("held"), "{drills}");
    assert_eq!(held("held"), held("held_carried") + held("held_expired"), "{drills}");
    assert!(stdout.contains("Drills: rotation of the validators, freeze of every vault"), "{stdout}");
    let report = std::fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(report.contains("Vaults against the ledger") && report.contains("obeys the next set"));
    assert_eq!(nodes(&folder), 0);
    let verified = Command::new(env!("CARGO_BIN_EXE_ballast")).arg("verify").arg(&folder).output();
    assert!(verified.unwrap().status.success());
}

/// Ends a run by a signal when its hub has written blocks: every node goes, and the log is whole.
fn ends_by(name: &str, signal: &str) -> ExitStatus {
    let folder = folder(name);
    let mut run = up(&folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let until = |wanted: &dyn Fn() -> bool| {
        let began = std::time::Instant::now();
        while !wanted() && began.elapsed() < Duration::from_secs(120) {
            std::thread::sleep(Duration::from_millis(50));
        }
        wanted()
    };
    let first = folder.join("blocks/00000000000000000001.log");
    let written = || std::fs::metadata(&first).map_or(0, |file| file.len());
    // Four chains and the one of attestations, each with a shell around it.
    assert!(until(&|| 10 <= nodes(&folder)), "{} nodes", nodes(&folder));
    let genesis = written();
    assert!(until(&|| genesis + 100_000 < written()), "{} bytes", written());
    let id = run.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    let status = run.wait().unwrap();
    // Their shells take them away once our end of the pipe is closed.
    assert!(until(&|| nodes(&folder) == 0), "{} nodes", nodes(&folder));
    let verified = Command::new(env!("CARGO_BIN_EXE_ballast")).arg("verify").arg(&folder).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    status
}

#[test]
fn a_run_that_is_interrupted_leaves_no_node_behind() {
    if has_packages() {
        assert_eq!(ends_by("up_interrupted", "-INT").code(), Some(130));
    }
}

#[test]
fn a_run_that_is_killed_leaves_no_node_behind() {
    if has_packages() {
        assert_eq!(ends_by("up_killed", "-KILL").signal(), Some(9));
    }
}
