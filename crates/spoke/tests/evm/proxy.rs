//! An endpoint between us and a node that can be told to be a bad one.

use alloy::sol_types::SolEvent as _;
use ballast_spoke::evm::bindings::vault::Vault;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What it does to answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Honest,
    /// Logs are left out.
    OmitLogs,
    /// The logs are left out that say that a vault has handed over.
    HideMoves,
    /// Amounts in logs are other ones.
    AlterLogs,
    /// Logs and receipts are altered alike.
    AlterReceipts,
    /// Blocks say that they hold no logs.
    HideLogs,
    /// Blocks have other states, and the hashes that go with that.
    Invent,
    /// The head is this many blocks behind.
    Lag(u64),
    /// Everything is answered with 429.
    RateLimit,
    /// Every socket is dropped in the middle of its answer.
    DropSocket,
    /// Honest, but for the answer after so many: its socket is dropped in the middle.
    DropOne(u64),
}

impl Mood {
    /// The mood for this answer.
    fn next(&mut self) -> Self {
        let now = *self;
        match now {
            Self::DropOne(0) => {
                *self = Self::Honest;
                return Self::DropSocket;
            }
            Self::DropOne(left) => *self = Self::DropOne(left - 1),
            _ => {}
        }
        now
    }
}

/// An endpoint with a mood.
pub(crate) struct Proxy {
    pub(crate) url: String,
    mood: Arc<Mutex<Mood>>,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(node: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (mood, node) =
            (Arc::new(Mutex::new(Mood::Honest)), node.trim_start_matches("http://").to_owned());
        let moods = mood.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (node, moods) = (node.clone(), moods.clone());
                tokio::spawn(async move { serve(client, &node, &moods).await });
            }
        });
        Self { url, mood, task }
    }

    pub(crate) fn be(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub(crate) fn mood(&self) -> Mood {
        *self.mood.lock().unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request a connection.
async fn serve(mut client: TcpStream, node: &str, moods: &Mutex<Mood>) -> Option<()> {
    let (_, body) = read_message(&mut client).await?;
    let request: Value = serde_json::from_slice(&body).ok()?;
    let mood = moods.lock().unwrap().next();
    if mood == Mood::RateLimit {
        return write_message(&mut client, "429 Too Many Requests", b"too many requests").await;
    }
    if mood == Mood::DropSocket {
        client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{").await.ok()?;
        return None;
    }
    let mut answer = ask(node, &request).await?;
    tamper(mood, &request, &mut answer, node).await;
    write_message(&mut client, "200 OK", &serde_json::to_vec(&answer).ok()?).await
}

async fn ask(node: &str, request: &Value) -> Option<Value> {
    let mut stream = TcpStream::connect(node).await.ok()?;
    let body = serde_json::to_vec(request).ok()?;
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {node}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(&body).await.ok()?;
    let (_, body) = read_message(&mut stream).await?;
    serde_json::from_slice(&body).ok()
}

async fn tamper(mood: Mood, request: &Value, answer: &mut Value, node: &str) {
    let method = request["method"].as_str().unwrap_or_default();
    let result = &mut answer["result"];
    match (mood, method) {
        (Mood::OmitLogs, "eth_getLogs") => *result = json!([]),
        (Mood::AlterLogs | Mood::AlterReceipts, "eth_getLogs") => alter(result),
        (Mood::AlterReceipts, "eth_getBlockReceipts") => {
            for receipt in result.as_array_mut().into_iter().flatten() {
                alter(&mut receipt["logs"]);
            }
        }
        (Mood::HideMoves, "eth_getLogs") if result.is_array() => {
            let moved = json!(Vault::MovedTo::SIGNATURE_HASH);
            result.as_array_mut().unwrap().retain(|log| log["topics"][0] != moved);
        }
        (Mood::HideLogs, "eth_getBlockByNumber") if result.is_object() => {
            result["logsBloom"] = json!(format!("0x{}", "00".repeat(256)));
        }
        (Mood::Invent, "eth_getBlockByNumber") if result.is_object() => invent(result),
        (Mood::Lag(blocks), "eth_getBlockByNumber") if request["params"][0] == "latest" => {
            let head = u64::from_str_radix(&result["number"].as_str().unwrap()[2..], 16).unwrap();
            let mut older = request.clone();
            older["params"][0] = json!(format!("{:#x}", head.saturating_sub(blocks)));
            *result = ask(node, &older).await.unwrap()["result"].take();
        }
        _ => {}
    }
}

/// Other amounts in the data of logs: the last byte of the amount's word.
fn alter(logs: &mut Value) {
    for log in logs.as_array_mut().into_iter().flatten() {
        let data = log["data"].as_str().unwrap_or("0x").to_owned();
        if 2 < data.len() {
            let last = if data.ends_with('1') { '2' } else { '1' };
            log["data"] = json!(format!("{}{last}", &data[..data.len() - 1]));
        }
    }
}

/// Another state root, and the hash of the header with it: all blocks agree with each other, as far as they are asked.
fn invent(block: &mut Value) {
    block["stateRoot"] = json!(format!("0x{}", "77".repeat(32)));
    let header: alloy::rpc::types::Block = serde_json::from_value(block.clone()).unwrap();
    block["hash"] = json!(header.header.inner.hash_slow());
}

/// Head and body of an HTTP message with a length, or in chunks as anvil may answer.
async fn read_message(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut part = [0_u8; 16_384];
    loop {
        let read = stream.read(&mut part).await.ok()?;
        bytes.extend_from_slice(&part[..read]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            if read == 0 {
                return None;
            }
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"))?;
        let length: usize = length.trim().parse().ok()?;
        while bytes.len() < end + 4 + length {
            let read = stream.read(&mut part).await.ok()?;
            if read == 0 {
                return None;
            }
            bytes.extend_from_slice(&part[..read]);
        }
        return Some((head, bytes[end + 4..].to_vec()));
    }
}

async fn write_message(stream: &mut TcpStream, status: &str, body: &[u8]) -> Option<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body).await.ok()?;
    stream.shutdown().await.ok()
}
