//! What the server lets a function do: its own keys and channels, and the commands that this crate sends.

use crate::key::Function;

/// The rights of a function's user, as an ACL file has them behind the user's name and password.
///
/// ```
/// let aanf = store::Function::parse("aanf")?;
/// let line = format!("user aanf on #<SHA-256 of the password> {}", store::acl_rule(&aanf));
/// assert!(line.contains("~aanf:* &aanf:* -@all +get "));
/// # Ok::<(), store::InvalidKey>(())
/// ```
///
/// Whole categories of commands are not granted: `@write` holds `FLUSHALL`, which no key pattern limits, and
/// `@connection` holds `CLIENT KILL`.
#[must_use]
pub fn acl_rule(function: &Function) -> String {
    let mut rule = format!("~{0}:* &{0}:* -@all", function.as_str());
    for command in COMMANDS {
        rule.push_str(" +");
        rule.push_str(command);
    }
    rule
}

/// Every command that this crate sends, and those that its scripts call.
const COMMANDS: [&str; 23] = [
    "get",
    "mget",
    "getrange",
    "set",
    "del",
    "exists",
    "pttl",
    "pexpire",
    "persist",
    "zadd",
    "zrem",
    "zrevrange",
    "zrangebylex",
    "scan",
    "time",
    "publish",
    "subscribe",
    "evalsha",
    "script|load",
    "wait",
    "ping",
    "select",
    "config|get",
];
