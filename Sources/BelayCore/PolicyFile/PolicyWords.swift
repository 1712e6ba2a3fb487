/// The words that a key takes besides free values.
package enum PolicyWords {
    package static let plans = Plan.named.keys.sorted()
    package static let metrics = Metric.allCases.map(\.rawValue)
    package static let reactions = Guard.Reaction.allCases.map(\.rawValue)
    package static let comparisons = ["stable", "reference", "none"]
    package static let severities = ["info", "warning", "error", "critical"]

    package static let extents = [RecordSettings.Extent.every, .none].map(\.description)
    package static let endings = Plan.Ending.allCases.map(\.rawValue)
    static let meantEndings = ["promotion": "promote", "wait": "hold", "pause": "hold", "approve": "hold"]
    static let meantExtents = ["all": "every", "always": "every", "off": "none", "never": "none"]
    static let meantReactions = [
        "pause": "hold", "stop": "hold", "freeze": "hold", "abort": "rollback", "page": "notify",
        "alert": "notify", "warn": "notify", "tell": "notify",
    ]
    static let meantAdvances = [
        "no_harm": "no-harm", "harmless": "no-harm", "non_inferior": "non-inferior",
        "no-worse": "non-inferior", "noninferior": "non-inferior", "proof": "non-inferior",
    ]
    static let meantComparisons = [
        "live": "stable", "baseline": "stable", "production": "stable", "champion": "stable",
        "training": "reference", "nothing": "none",
    ]
    static let meantKinds = [
        "multi": "multiclass", "multi-class": "multiclass", "classification": "multiclass",
        "boolean": "binary", "number": "regression", "numeric": "regression",
    ]
    static let meantWays = [
        "alert_manager": "alertmanager", "prometheus": "alertmanager", "http": "webhook", "hook": "webhook",
        "pager": "pagerduty",
    ]
    static let laterWays: Set = ["github", "grafana", "email", "openlineage"]
    static let laterMetrics: Set = ["latency_p90", "latency_p999", "auc", "estimated_auc", "r2", "ece"]
    /// What people write for a metric that exists.
    static let meantMetrics = [
        "errors": "error_rate", "error": "error_rate", "failure_rate": "error_rate", "acc": "accuracy",
        "invalid": "invalid_output", "nan": "invalid_output", "differs": "disagreement",
        "difference": "disagreement", "breaker": "circuit_breaker", "shadow_errors": "shadow_error",
        "latency": "latency_p99", "p99": "latency_p99", "p95": "latency_p95", "p50": "latency_p50",
        "median_latency": "latency_p50", "rps": "throughput", "requests_per_second": "throughput",
        "logloss": "log_loss", "cross_entropy": "log_loss", "brier_score": "brier", "f1_score": "f1",
        "mean_absolute_error": "mae", "mse": "rmse", "null_rate": "missing_rate", "nulls": "missing_rate",
        "drift": "feature_drift", "psi": "feature_drift", "data_drift": "feature_drift",
        "output_drift": "prediction_drift", "flags": "flag_rate", "thumbs_down": "flag_rate",
        "rating": "feedback_score", "schema": "schema_errors", "promql": "query", "prometheus": "query",
    ]
}
