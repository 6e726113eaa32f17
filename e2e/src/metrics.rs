//! Reading metrics in the text format.

/// What every replica does in its own time, whoever is asked.
const HOUSEKEEPING: [&str; 4] = ["end_session", "expire", "free_claims", "free_labels"];

/// Procedures that a replica has gone through well for others. Calls do not count: `berth check` calls each replica by its own
/// address before it plays a story.
pub(crate) fn work_done(text: &str) -> u64 {
    let counts = text.lines().filter_map(|line| {
        // An exemplar may follow the value.
        let (series, value) = line.split(" # ").next()?.rsplit_once(' ')?;
        let (name, labels) = series.split_once('{')?;
        let is_housekeeping = |procedure: &&str| labels.contains(&format!("\"{procedure}\""));
        let counts = name.ends_with("_procedure_duration_seconds_count")
            && labels.contains("cause=\"NONE\"")
            && !HOUSEKEEPING.iter().any(is_housekeeping);
        value.parse::<u64>().ok().filter(|_| counts)
    });
    counts.sum()
}

#[cfg(test)]
mod tests {
    use super::work_done;

    /// What a replica shows that `berth check` has looked at, and that no story came to.
    const LOOKED_AT: &str = "# TYPE berth_rpc_server_duration_seconds histogram\n\
        berth_rpc_server_duration_seconds_count{rpc=\"berth.common.v1.InfoService/Get\",code=\"OK\"} 1\n\
        berth_rpc_server_duration_seconds_count{rpc=\"other\",code=\"OK\"} 1\n\
        berth_vault_procedure_duration_seconds_count{procedure=\"mint\",cause=\"NONE\"} 0\n\
        berth_vault_procedure_duration_seconds_count{procedure=\"expire\",cause=\"NONE\"} 4\n\
        berth_vault_procedure_duration_seconds_count{procedure=\"mint\",cause=\"STORE_UNAVAILABLE\"} 3\n";

    #[test]
    fn a_replica_that_was_only_looked_at_has_done_nothing() {
        assert_eq!(work_done(LOOKED_AT), 0);
    }

    #[test]
    fn procedures_count_and_exemplars_do_not() {
        let text = "berth_ausf_procedure_duration_seconds_count{procedure=\"x\",cause=\"NONE\"} 2 # {trace_id=\"ab\"} 1.5\n\
            berth_ausf_procedure_duration_seconds_bucket{procedure=\"x\",cause=\"NONE\",le=\"1\"} 99\n";
        assert_eq!(work_done(&format!("{LOOKED_AT}{text}")), 2);
    }
}
