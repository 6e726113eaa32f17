//! The ACL file of the store's server.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;

use super::decide::{Found, PASSWORD};
use super::spec::{Kind, Spec};

/// One line a user, with the hash of the password that its Secret holds; nobody else may come in.
pub(super) fn acl_file(spec: &Spec, users: &[String], found: &Found) -> Result<String> {
    // Nobody can come in as a user that is off. But Redis reads its append-only file as this user, and leaves every
    // transaction in it away that the user's permissions do not allow.
    let mut file = "user default off resetpass ~* &* +@all\n".to_owned();
    for name in users {
        let Some(Kind::StoreUser(user)) = spec.find(name) else {
            bail!("secret {name} is none of a store's user");
        };
        let password = found
            .get(name)
            .and_then(|stored| stored.data.get(PASSWORD))
            .with_context(|| format!("secret {name} is missing"))?;
        // Clients read the password as one line.
        let hash = HEXLOWER.encode(digest(&SHA256, password.trim_ascii_end()).as_ref());
        let rule = match &user.rule {
            Some(rule) => rule.clone(),
            None => store::acl_rule(&store::Function::parse(&user.user)?),
        };
        writeln!(file, "user {} on #{hash} {rule}", user.user)?;
    }
    Ok(file)
}
