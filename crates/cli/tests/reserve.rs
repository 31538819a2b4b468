//! `ballast reserve`, as eight owners and somebody with gas run it, against a real Safe on a local node.
#![cfg(feature = "evm")]

mod support;

use ballast_spoke::certificate::{Key, ValidatorSet};
use ballast_spoke::evm::kit::{LocalChain, LocalPlan, NodeConfig, TokenKind, TokenPlan, dev_key};
use ballast_spoke::evm::{Npm, OWNERS};
use ballast_types::{AssetId, ChainId};
use ballast_units::{Amount, Time};
use serde_json::Value;
use std::path::PathBuf;
use support::ballast;
use tokio::runtime::Runtime;

/// A chain whose Safe has 600 dollars, in a folder with its record and everybody's keys.
struct Stage {
    runtime: Runtime,
    chain: LocalChain,
    folder: PathBuf,
}

impl Stage {
    fn set(name: &str) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let coin = TokenPlan {
            asset: AssetId(0),
            symbol: "USDC".to_owned(),
            decimals: 6,
            kind: TokenKind::Plain,
            price: None,
        };
        let set = ValidatorSet::of(1, &[Key::from_label("validator")]).unwrap();
        let plan = LocalPlan {
            node: NodeConfig::new("polygon", 137, 2, Time::from_millis(1_621_427_400_000).millis() / 1_000),
            chain: ChainId(1),
            eid: None,
            signers: set.signers().to_vec(),
            epoch: 1,
            tokens: vec![coin],
            safe_owners: (0..OWNERS).map(|number| dev_key("safe owner", number).address()).collect(),
        };
        let chain = runtime.block_on(async {
            let chain = LocalChain::start(&Npm::find().unwrap(), plan).await.unwrap();
            let safe = chain.deployment.safe.unwrap().safe;
            chain.mint(AssetId(0), safe, Amount::whole(600)).await.unwrap();
            chain.node.fund(dev_key("gas", 0).address()).await.unwrap();
            chain
        });
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("reserve-{name}"));
        std::fs::create_dir_all(&folder).unwrap();
        let stage = Self { runtime, chain, folder };
        stage.write("polygon.json", &serde_json::to_string(&stage.chain.deployment).unwrap());
        for number in 0..OWNERS {
            stage.write(
                &format!("owner-{number}.key"),
                &format!("{}\n", dev_key("safe owner", number).to_bytes()),
            );
        }
        stage.write("gas.key", &dev_key("gas", 0).to_bytes().to_string());
        stage
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    /// Exit code, what it printed, what it complained of.
    fn run(&self, args: &[&str]) -> (i32, Value, String) {
        let args: Vec<String> = args
            .iter()
            .map(|arg| {
                if arg.ends_with(".json") || arg.ends_with(".key") {
                    self.path(arg)
                } else {
                    (*arg).to_owned()
                }
            })
            .collect();
        let args: Vec<&str> = ["reserve"].into_iter().chain(args.iter().map(String::as_str)).collect();
        let output = ballast(&args, "");
        let printed = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code().unwrap(), printed, String::from_utf8(output.stderr).unwrap())
    }

    fn propose(&self, errand: &[&str]) -> (i32, Value, String) {
        let place = ["--deployment", "polygon.json", "--rpc", self.chain.node.url(), "--out", "p.json"];
        self.run(&[&["propose"], errand, &place].concat())
    }

    fn safe_has(&self) -> Amount {
        let safe = self.chain.deployment.safe.unwrap().safe;
        self.runtime.block_on(self.chain.balance(AssetId(0), safe)).unwrap()
    }
}

const OWNER: &str = "0x0000000000000000000000001111111111111111111111111111111111111111";

#[test]
fn five_owners_recall_money_from_file_to_file() {
    let stage = Stage::set("recall");
    let recall = ["recall", "--asset", "0", "--amount", "250.5", "--owner", OWNER];
    let (code, printed, complaint) = stage.propose(&recall);
    assert_eq!((code, complaint.as_str()), (0, ""));
    assert!(printed["calls"][0]["does"].as_str().unwrap().contains("approve"), "{printed}");
    for number in 0..4 {
        let (code, ..) = stage.run(&["sign", "p.json", "--key-file", &format!("owner-{number}.key")]);
        assert_eq!(code, 0);
    }
    let execute = ["execute", "p.json", "--rpc", stage.chain.node.url(), "--key-file", "gas.key"];
    let (code, _, complaint) = stage.run(&execute);
    assert_eq!(code, 1);
    assert!(complaint.contains("4 of 5 signatures"), "{complaint}");
    assert_eq!(stage.safe_has(), Amount::whole(600));

    let (_, printed, _) = stage.run(&["sign", "p.json", "--key-file", "owner-7.key"]);
    assert_eq!(printed["signed_by"].as_array().unwrap().len(), 5);
    let (code, printed, complaint) = stage.run(&execute);
    assert_eq!((code, complaint.as_str()), (0, ""));
    assert!(printed["gas"].as_u64().unwrap() < 250_000, "{printed}");
    assert_eq!(stage.safe_has(), Amount::from_wei(349_500_000_000_000_000_000));
    let booked = stage.runtime.block_on(stage.chain.booked(AssetId(0))).unwrap().0;
    assert_eq!(booked, Amount::from_wei(250_500_000_000_000_000_000));
    // The same file again.
    let (code, _, complaint) = stage.run(&execute);
    assert_eq!(code, 1);
    assert!(complaint.contains("propose anew"), "{complaint}");
}

#[test]
fn what_cannot_be_read_or_done_is_said_in_one_line_and_moves_nothing() {
    let stage = Stage::set("refused");
    let to = dev_key("user", 0).address().to_string();
    let refused = |(code, _, complaint): (i32, Value, String), want: i32, words: &str| {
        assert_eq!(code, want, "{complaint}");
        assert!(complaint.contains(words), "{complaint}");
    };
    refused(stage.propose(&["transfer", "--asset", "0", "--amount", "601", "--to", &to]), 1, "holds 600");
    refused(
        stage.propose(&["transfer", "--asset", "9", "--amount", "1", "--to", &to]),
        2,
        "no asset 9; it has 0",
    );
    refused(
        stage.propose(&["transfer", "--asset", "0", "--amount", "0.0000001", "--to", &to]),
        2,
        "more digits",
    );
    refused(stage.run(&["show", "missing.json"]), 2, "missing.json");
    refused(stage.run(&["show", "polygon.json"]), 2, "expected a proposal");

    assert_eq!(stage.propose(&["sweep", "--to", &to]).0, 0);
    refused(stage.run(&["sign", "p.json", "--key-file", "polygon.json"]), 2, "64 hexadecimal digits");
    // A stranger's signature, and a file that somebody changed.
    stage.run(&["sign", "p.json", "--key-file", "gas.key"]);
    let execute = ["execute", "p.json", "--rpc", stage.chain.node.url(), "--key-file", "gas.key"];
    refused(stage.run(&execute), 1, "not an owner");
    let text = std::fs::read_to_string(stage.path("p.json")).unwrap();
    let thief = format!("{:?}", dev_key("thief", 0).address()).to_lowercase();
    let changed = text.to_lowercase().replace(&to.to_lowercase()[2..], &thief[2..]);
    stage.write("p.json", &changed);
    refused(stage.run(&["sign", "p.json", "--key-file", "owner-0.key"]), 2, "somebody changed the file");
    let nobody = ["execute", "p.json", "--rpc", "http://127.0.0.1:1", "--key-file", "gas.key"];
    stage.write("p.json", &text);
    refused(stage.run(&nobody), 1, "nothing was moved");
    assert_eq!(stage.safe_has(), Amount::whole(600));
}
