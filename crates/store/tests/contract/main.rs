//! The contract that every back end keeps: the same cases run on each of them.
#![expect(
    clippy::unwrap_used,
    reason = "a case that cannot go on has failed; the cases are called by tests"
)]

mod audit;
mod bench;
mod claims;
mod conditions;
mod embedded;
mod idempotency;
mod leases;
mod lifetimes;
mod listing;
mod outbox;
mod records;
mod redis_faults;
mod redis_server;
mod rights;
mod sealed;
mod sentinel;
mod watching;

/// Runs each case on a fresh store of each back end.
macro_rules! contract {
    ($($module:ident: $($case:ident)+;)+) => {
        mod memory {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$module::$case(&crate::bench::Bench::memory().await).await;
                }
            )+)+
        }
        mod file {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$module::$case(&crate::bench::Bench::file().await).await;
                }
            )+)+
        }
        mod redis {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$module::$case(&crate::bench::Bench::redis().await).await;
                }
            )+)+
        }
        mod replicated {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$module::$case(&crate::bench::Bench::replicated().await).await;
                }
            )+)+
        }
        mod by_sentinel {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$module::$case(&crate::bench::Bench::by_sentinel().await).await;
                }
            )+)+
        }
        mod limited {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$module::$case(&crate::bench::Bench::limited().await).await;
                }
            )+)+
        }
    };
}

contract! {
    records:
        a_written_record_is_read_back
        a_newer_schema_is_refused
        a_transaction_is_applied_completely_or_not_at_all
        a_tag_of_another_function_is_refused
        functions_do_not_see_each_other
        many_fields_are_read_as_of_one_moment
        transactions_that_break_a_rule_are_refused
        values_of_any_octets_come_back_unchanged;
    conditions:
        of_64_concurrent_writers_of_an_absent_field_one_wins
        concurrent_updates_of_one_record_lose_nothing
        versions_only_grow_across_deletion
        a_stale_version_is_a_conflict
        concurrent_steps_of_one_counter_give_each_count_once
        a_counter_jumps_only_with_its_condition
        an_exhausted_counter_changes_nothing
        a_required_field_is_checked_without_being_changed;
    lifetimes:
        a_lifetime_ends_not_early_and_at_most_one_second_late
        a_rewritten_value_has_the_lifetime_of_the_last_write
        an_ended_value_counts_as_absent_for_conditions
        a_counters_lifetime_runs_from_its_first_step;
    listing:
        names_are_listed_in_order_by_prefix_and_page
        appended_values_sort_in_the_order_of_commitment
        ended_and_deleted_names_are_not_listed
        tags_that_hold_a_kind_are_all_listed;
    watching:
        a_watched_tag_hints_at_its_changes
        a_watched_kind_hints_at_changes_in_any_tag
        a_watch_ends_when_the_store_closes;
    idempotency:
        a_repeated_request_gets_the_first_result
        of_concurrent_repetitions_one_does_the_work
        a_key_used_for_another_request_is_refused;
    claims:
        of_64_concurrent_claims_for_one_device_one_holds
        a_claim_is_relied_on_only_once_confirmed_and_until_released
        a_scrub_settles_what_was_never_confirmed;
    leases:
        of_64_concurrent_takers_one_gets_the_lease
        tokens_grow_and_a_late_holder_writes_nothing
        a_holder_renews_writes_and_releases;
    outbox:
        messages_are_applied_in_order_after_their_transaction
        a_failing_receiver_gets_its_messages_later
        messages_of_a_process_that_ended_are_found
        messages_of_a_process_that_was_killed_are_taken_over_within_seconds
        a_refused_message_is_put_aside
        two_outboxes_keep_the_order_of_each_tag;
    audit:
        an_audit_counts_all_values_and_finds_no_fault;
    sealed:
        a_sealed_value_moved_to_another_record_does_not_open;
}
