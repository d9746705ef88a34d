using System.Diagnostics;
using System.Globalization;
using Formation.Inference.WideAreaNetwork.Namespaces;

namespace Formation.Inference.WideAreaNetwork.Tests.CommandLine;

/// <summary>The program, run as people run it.</summary>
public sealed class NetworkCommandTests
{
    [Fact]
    public async Task A_command_runs_on_a_node_and_its_exit_code_is_the_programs()
    {
        TestNetwork.SkipWhereUnavailable();
        using var process = Start("--nodes", "3", "--delay", "1ms", "--rate", "200Mbit", "--at", "2", "--", "sh", "-c",
            "echo $WAN_ADDRESS_3 $WAN_NODE_2; ip netns identify; exit 7");
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(7, process.ExitCode);
        var words = (await output).Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["10.64.0.3", words[1], words[1]], words);
        Assert.Equal(process.Id, NamespaceOwner.OfName(words[1])?.ProcessId);
        Assert.False(NetworkNamespace.Exists(words[1]));
    }

    [Theory]
    [InlineData("--rate", "fast")]
    [InlineData("--delay", "10")]
    [InlineData("--nodes", "0")]
    [InlineData("--nat", "3")]
    [InlineData("--at", "3")]
    public async Task What_it_cannot_do_it_says(params string[] arguments)
    {
        TestNetwork.SkipWhereUnavailable();
        using var process = Start([.. arguments, "--", "true"]);
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(1, process.ExitCode);
        Assert.Contains(arguments[1], await errors);
        Assert.DoesNotContain(" at ", await errors);
    }

    [Fact]
    public async Task Its_network_ends_with_SIGTERM_and_with_its_command()
    {
        var (process, names, sleeper) = await StartSleeperAsync();
        using (process)
        {
            using (var kill = Process.Start("kill", [process.Id.ToString(CultureInfo.InvariantCulture)]))
                await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
            var errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.All(names, name => Assert.False(NetworkNamespace.Exists(name), errors));
        }
        await Eventually.TrueAsync(() => NamespaceOwner.Of(sleeper.ProcessId) != sleeper);
    }

    [Fact]
    public async Task What_a_killed_process_leaves_behind_is_deleted_before_the_next_network()
    {
        var (process, names, sleeper) = await StartSleeperAsync();
        using (process)
        {
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
        using var network = TestNetwork.Create();
        Assert.All(names, name => Assert.False(NetworkNamespace.Exists(name)));
        Assert.All(network.Nodes, node => Assert.True(NetworkNamespace.Exists(node.Name)));
        await Eventually.TrueAsync(() => NamespaceOwner.Of(sleeper.ProcessId) != sleeper);
    }

    private static async Task<(Process Process, string[] Names, NamespaceOwner Sleeper)> StartSleeperAsync()
    {
        TestNetwork.SkipWhereUnavailable();
        var process = Start("--at", "1", "--", "sh", "-c", "echo $$ $WAN_NODE_1 $WAN_NODE_2; exec sleep 1000");
        var words = (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))!.Split(' ');
        return (process, words[1..], NamespaceOwner.Of(int.Parse(words[0], CultureInfo.InvariantCulture))!.Value);
    }

    private static Process Start(params string[] arguments)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "Formation.Inference.WideAreaNetwork.dll");
        var start = new ProcessStartInfo("dotnet", [program, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }
}
