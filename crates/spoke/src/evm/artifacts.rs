//! Contracts that are not ours, read at run time from `contracts/node_modules`.
//!
//! - What: creation code of LayerZero's and Safe's contracts, as their authors compiled them.
//! - Why at run time: their licences are not ours, so nothing of them is committed or built in.
//! - Where: the folder `contracts` of this project, or the one that `BALLAST_CONTRACTS` names.

use alloy::primitives::Bytes;
use std::path::{Path, PathBuf};

/// The folder `contracts`, with its npm packages installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Npm {
    root: PathBuf,
}

/// Why a package's contract cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// No packages there.
    #[error("{} is not there: run `npm ci` in {}", .missing.display(), .root.display())]
    NotInstalled {
        /// What was looked for.
        missing: PathBuf,
        /// The folder `contracts`.
        root: PathBuf,
    },
    /// A file without what it should hold.
    #[error("{}: {why}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl Npm {
    /// The folder that `BALLAST_CONTRACTS` names; else the nearest `contracts` in the working folder or above it;
    /// else that of the source tree this was built from.
    pub fn find() -> Result<Self, ArtifactError> {
        let here = std::env::current_dir().unwrap_or_default();
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts");
        let root = std::env::var_os("BALLAST_CONTRACTS").map(PathBuf::from).unwrap_or_else(|| {
            let above = here.ancestors().map(|folder| folder.join("contracts"));
            above
                .chain([built.clone()])
                .find(|folder| folder.join("package.json").is_file())
                .unwrap_or(built.clone())
        });
        let root = root.canonicalize().unwrap_or(root);
        let npm = Self { root };
        npm.file("node_modules")?;
        Ok(npm)
    }

    /// A program that a package brings.
    pub fn program(&self, name: &str) -> Result<PathBuf, ArtifactError> {
        self.file(&format!("node_modules/.bin/{name}"))
    }

    /// Creation code of a contract in hardhat's or forge's form, `path` from `node_modules` on.
    pub fn creation_code(&self, path: &str) -> Result<Bytes, ArtifactError> {
        let path = self.file(&format!("node_modules/{path}"))?;
        let unreadable =
            |why: &dyn ToString| ArtifactError::Unreadable { path: path.clone(), why: why.to_string() };
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&error))?;
        let json: serde_json::Value = serde_json::from_str(&text).map_err(|error| unreadable(&error))?;
        let code = json["bytecode"].as_str().or_else(|| json["bytecode"]["object"].as_str());
        let code: Bytes = code
            .ok_or_else(|| unreadable(&"no bytecode in it"))?
            .parse()
            .map_err(|error| unreadable(&format!("bytecode: {error}")))?;
        if code.is_empty() { Err(unreadable(&"its bytecode is empty")) } else { Ok(code) }
    }

    fn file(&self, path: &str) -> Result<PathBuf, ArtifactError> {
        let file = self.root.join(path);
        if file.exists() {
            Ok(file)
        } else {
            Err(ArtifactError::NotInstalled { missing: file, root: self.root.clone() })
        }
    }
}
