namespace Formation.Inference.Cli.Bench;

/// <summary>Runs a test once and gives its speed in tokens per second, all sequences together.</summary>
delegate Task<double> Measurement(BenchTest test, CancellationToken cancellationToken);
