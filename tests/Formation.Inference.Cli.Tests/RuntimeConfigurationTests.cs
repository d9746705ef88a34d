using System.Text.Json.Nodes;

namespace Formation.Inference.Cli.Tests;

/// <summary>What the program tells the run-time before its own code runs.</summary>
public sealed class RuntimeConfigurationTests
{
    [Fact]
    public void Threads_of_the_pool_do_not_spin_on_the_cores_that_compute()
    {
        var configuration = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "form.runtimeconfig.json")))!;
        var properties = configuration["runtimeOptions"]!["configProperties"]!;

        Assert.Equal(0, (int)properties["System.Threading.ThreadPool.UnfairSemaphoreSpinLimit"]!);
    }
}
