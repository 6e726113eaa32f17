//! Reading metrics in the text format.

/// Calls that a replica has answered, and procedures that it has gone through.
pub(crate) fn work_done(text: &str) -> f64 {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter(|line| {
            line.starts_with("berth_rpc_server_duration_seconds_count")
                || line.contains("_procedure_duration_seconds_count")
        })
        // An exemplar may follow the value.
        .filter_map(|line| {
            line.split(" # ")
                .next()?
                .rsplit(' ')
                .next()?
                .parse::<f64>()
                .ok()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::work_done;

    #[test]
    fn calls_and_procedures_count_and_exemplars_do_not() {
        let text = "# TYPE berth_rpc_server_duration_seconds histogram\n\
            berth_rpc_server_duration_seconds_count{rpc=\"a b\",code=\"OK\"} 3\n\
            berth_ausf_procedure_duration_seconds_count{procedure=\"x\"} 2 # {trace_id=\"ab\"} 1.5\n\
            berth_ausf_procedure_duration_seconds_bucket{le=\"1\"} 99\n";
        assert_eq!(work_done(text), 5.0);
    }
}
