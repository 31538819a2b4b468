//! `ballast freeze`, as validators and somebody with gas run it, against a vault on a local node.
#![cfg(feature = "evm")]

mod support;

use ballast_spoke::certificate::{Key, ValidatorSet};
use ballast_spoke::evm::kit::{LocalChain, LocalPlan, NodeConfig, TokenKind, TokenPlan, dev_key};
use ballast_spoke::evm::{Npm, PrivateKeySigner};
use ballast_types::{AssetId, ChainId};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use support::ballast;
use tokio::runtime::Runtime;

/// 19 May 2021, 12:30 UTC.
const START: u64 = 1_621_427_400;
const UNTIL: &str = "2021-05-19T14:00:00Z";
const UNTIL_MILLIS: u64 = 1_621_432_800_000;

fn secret(number: usize) -> PrivateKeySigner {
    dev_key("validator of the freeze", number)
}

/// A vault that four validators move, and a folder with everybody's keys.
struct Stage {
    _runtime: Runtime,
    chain: LocalChain,
    folder: PathBuf,
}

impl Stage {
    fn set(name: &str) -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let keys: Vec<Key> =
            (0..4).map(|number| Key::from_bytes(&secret(number).to_bytes().0).unwrap()).collect();
        let coin = TokenPlan {
            asset: AssetId(0),
            symbol: "USDC".to_owned(),
            decimals: 6,
            kind: TokenKind::Plain,
            price: None,
        };
        let plan = LocalPlan {
            node: NodeConfig::new("polygon", 137, 2, START),
            chain: ChainId(1),
            eid: None,
            signers: ValidatorSet::of(3, &keys).unwrap().signers().to_vec(),
            epoch: 3,
            tokens: vec![coin],
            safe_owners: Vec::new(),
        };
        let chain = runtime.block_on(async {
            let chain = LocalChain::start(&Npm::find().unwrap(), plan).await.unwrap();
            chain.node.fund(dev_key("gas", 0).address()).await.unwrap();
            chain
        });
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("freeze-{name}"));
        std::fs::create_dir_all(&folder).unwrap();
        for number in 0..4 {
            std::fs::write(folder.join(format!("{number}.key")), format!("{}\n", secret(number).to_bytes()))
                .unwrap();
        }
        std::fs::write(folder.join("gas.key"), dev_key("gas", 0).to_bytes().to_string()).unwrap();
        Self { _runtime: runtime, chain, folder }
    }

    fn vault(&self) -> String {
        self.chain.deployment.vault.to_string()
    }

    /// Exit code, what it printed, what it complained of. Names of files are those of the folder.
    fn run(&self, args: &[&str]) -> (i32, Value, String) {
        let place = |arg: &&str| match arg.ends_with(".json") || arg.ends_with(".key") {
            true => self.folder.join(arg).to_str().unwrap().to_owned(),
            false => (*arg).to_owned(),
        };
        let args: Vec<String> = ["freeze"].iter().chain(args).map(place).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = ballast(&args, "");
        let printed = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code().unwrap(), printed, String::from_utf8(output.stderr).unwrap())
    }

    #[track_caller]
    fn done(&self, args: &[&str]) -> Value {
        let (code, printed, complaint) = self.run(args);
        assert_eq!(code, 0, "{complaint}");
        printed
    }

    /// Refused with this exit code; the complaint.
    #[track_caller]
    fn refused(&self, code: i32, args: &[&str]) -> String {
        let (found, printed, complaint) = self.run(args);
        assert_eq!((found, &printed), (code, &Value::Null), "{complaint}");
        complaint
    }

    fn status(&self) -> Value {
        self.done(&[
            "status",
            "--rpc",
            self.chain.node.url(),
            "--vault",
            &self.vault(),
            "--out",
            "status.json",
        ])
    }

    fn sign(&self, number: usize, out: &str) {
        let key = format!("{number}.key");
        self.done(&["sign", "--status", "status.json", "--until", UNTIL, "--key-file", &key, "--out", out]);
    }

    fn send(&self, file: &str) -> (i32, Value, String) {
        let (rpc, vault) = (self.chain.node.url(), self.vault());
        self.run(&["send", file, "--rpc", rpc, "--vault", &vault, "--key-file", "gas.key"])
    }
}

#[test]
fn two_of_four_validators_freeze_a_vault() {
    if Npm::find().is_err() {
        eprintln!("skipped: contracts/node_modules is not there; run `npm ci` in contracts/");
        return;
    }
    let stage = Stage::set("two");
    let status = stage.status();
    assert_eq!(
        (&status["epoch"], &status["freeze_needs"], &status["quorum"]),
        (&3.into(), &2.into(), &3.into())
    );
    assert_eq!(
        (status["frozen_until"].as_u64(), status["validators"].as_array().unwrap().len()),
        (Some(0), 4)
    );

    // One alone is told how many are missing.
    stage.sign(0, "a.json");
    let complaint = stage.refused(1, &["combine", "a.json", "a.json", "--status", "status.json"]);
    assert!(complaint.contains("1 of 4 validators signed, 2 are needed: 1 more"), "{complaint}");

    // By domain, without a network and without a file: the same signature.
    let domain = status["domain"].as_str().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ballast"))
        .args(["freeze", "sign", "--domain", domain, "--epoch", "3", "--until", &UNTIL_MILLIS.to_string()])
        .args(["--key-env", "FREEZER"])
        .env("FREEZER", secret(0).to_bytes().to_string())
        .output()
        .unwrap();
    let again: Value = serde_json::from_slice(&output.stdout).unwrap();
    let first: Value =
        serde_json::from_str(&std::fs::read_to_string(stage.folder.join("a.json")).unwrap()).unwrap();
    assert_eq!(again, first);
    let by_vault = stage.done(&[
        "sign",
        "--chain-id",
        "137",
        "--vault",
        &stage.vault(),
        "--epoch",
        "3",
        "--until",
        UNTIL,
        "--key-file",
        "0.key",
    ]);
    assert_eq!(by_vault, first);

    stage.sign(3, "b.json");
    let freeze =
        stage.done(&["combine", "a.json", "b.json", "--status", "status.json", "--out", "freeze.json"]);
    assert_eq!(freeze["signatures"].as_array().unwrap().len(), 2);
    let vault = stage.vault();
    let call = stage.done(&["send", "freeze.json", "--vault", &vault, "--calldata"]);
    assert!(call["data"].as_str().unwrap().starts_with("0x") && call["to"].is_string(), "{call}");
    assert_eq!(stage.status()["frozen_until"], 0, "nothing was sent yet");
    let (code, sent, complaint) = stage.send("freeze.json");
    assert_eq!(code, 0, "{complaint}");
    assert_eq!(sent["frozen_until_utc"], "2021-05-19 14:00:00");
    assert!(0 < sent["gas"].as_u64().unwrap() && 0 < sent["block"].as_u64().unwrap(), "{sent}");
    assert_eq!(stage.status()["frozen_until"], UNTIL_MILLIS);

    // The same again ends no later: refused before gas is spent.
    let (code, _, complaint) = stage.send("freeze.json");
    assert_eq!(code, 1);
    assert!(complaint.contains("nothing was frozen: the vault refuses: a freeze until"), "{complaint}");
}

#[test]
fn what_is_wrong_is_said_with_its_figures() {
    if Npm::find().is_err() {
        return;
    }
    let stage = Stage::set("wrong");
    stage.status();
    stage.sign(0, "a.json");
    stage.sign(1, "b.json");
    // Another vault's, another epoch's, another end.
    let other = format!("0x{}", "17".repeat(32));
    let sign = |more: &[&str], key: &str, out: &str| {
        stage.done(&[&["sign"], more, &["--key-file", key, "--out", out]].concat());
    };
    for (number, key) in ["0.key", "1.key"].into_iter().enumerate() {
        let out = format!("other{number}.json");
        sign(&["--domain", &other, "--epoch", "3", "--until", UNTIL], key, &out);
    }
    let combine = ["combine", "other0.json", "other1.json", "--status", "status.json", "--out", "other.json"];
    stage.done(&combine);
    let (code, _, complaint) = stage.send("other.json");
    assert_eq!(code, 1);
    assert!(complaint.contains(&format!("signed for the domain {other}; this vault's is 0x")), "{complaint}");
    sign(&["--status", "status.json", "--until", "2021-05-19T14:00:01Z"], "2.key", "late.json");
    let complaint =
        stage.refused(1, &["combine", "a.json", "b.json", "late.json", "--status", "status.json"]);
    assert!(complaint.contains("signature 3 is for another freeze than the first one"), "{complaint}");
    let domain = stage.status()["domain"].as_str().unwrap().to_owned();
    sign(&["--domain", &domain, "--epoch", "2", "--until", UNTIL], "2.key", "old.json");
    let complaint = stage.refused(1, &["combine", "old.json", "--status", "status.json"]);
    assert!(complaint.contains("signed for epoch 2; the set is of epoch 3"), "{complaint}");
    // Longer than a day.
    for (key, out) in [("0.key", "long0.json"), ("1.key", "long1.json")] {
        sign(&["--status", "status.json", "--until", "2021-05-21T14:00:00Z"], key, out);
    }
    stage.done(&["combine", "long0.json", "long1.json", "--status", "status.json", "--out", "long.json"]);
    let (code, _, complaint) = stage.send("long.json");
    assert_eq!(code, 1);
    assert!(complaint.contains("the vault refuses: a freeze until 1621605600000"), "{complaint}");
    // Not read at all.
    let complaint = stage.refused(2, &["combine", "missing.json", "--status", "status.json"]);
    assert!(complaint.contains("missing.json: No such file"), "{complaint}");
    let complaint = stage.refused(2, &["combine", "status.json", "--status", "status.json"]);
    assert!(complaint.contains("status.json: expected a signature of `sign`"), "{complaint}");
    std::fs::write(stage.folder.join("bad.key"), "17").unwrap();
    let bad = ["sign", "--status", "status.json", "--until", UNTIL, "--key-file", "bad.key"];
    assert!(stage.refused(2, &bad).contains("expected a key of 64 hexadecimal digits"));
    let bad = ["sign", "--status", "status.json", "--until", "tomorrow", "--key-file", "0.key"];
    assert!(stage.refused(2, &bad).contains("expected a moment in UTC such as 2021-05-19T14:00:00Z"));
    let bad = ["sign", "--epoch", "3", "--until", UNTIL, "--key-file", "0.key"];
    assert!(
        stage.refused(2, &bad).contains("expected --status FILE, --domain HASH, or --chain-id N and --vault")
    );
}
