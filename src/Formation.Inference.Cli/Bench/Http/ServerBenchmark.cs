using Formation.Inference.Cli.Client;

namespace Formation.Inference.Cli.Bench.Http;

/// <summary>Measures a server that runs, here or elsewhere.</summary>
static class ServerBenchmark
{
    /// <exception cref="CommandException">The server can't be reached or refuses; the message says why.</exception>
    public static async Task<HttpReport> RunAsync(
        ServerAddress address, string model, BenchPlan plan, TimeProvider time, CancellationToken cancellationToken)
    {
        using var client = new ServerClient(address);
        var http = new HttpBenchmark(client, model, time);
        var turns = new Turns(plan.Repeat, time);
        var results = new List<HttpResult>();
        foreach (var test in plan.Tests.Where(test => test.Kind == BenchTestKind.Generation))
            results.Add(new HttpResult(test.Name, (await turns.MeasureAsync(test, [http.GenerateAsync], cancellationToken))[0]));
        return new HttpReport(address.Url.ToString(), model, results, await http.FirstTokensAsync(plan, cancellationToken));
    }
}
