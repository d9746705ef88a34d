using System.CommandLine;
using System.CommandLine.Parsing;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Formation.Inference.Cli.Terminal;
using Formation.Inference.WideAreaNetwork.Links;
using Formation.Inference.WideAreaNetwork.Namespaces;

namespace Formation.Inference.WideAreaNetwork.CommandLine;

/// <summary>Makes a network for as long as a command runs, or until its standard input ends.</summary>
static class NetworkCommand
{
    private const int Failed = 1;
    private const int CannotRun = 126;
    private const int NotFound = 127;

    private delegate bool Reader<T>(string text, out T value);

    /// <summary>The command line.</summary>
    /// <param name="clock">Times the packets.</param>
    public static RootCommand Create(TimeProvider clock)
    {
        var nodes = new Option<int>("--nodes") { Description = "How many nodes; they are numbered from 1", HelpName = "N", DefaultValueFactory = _ => 2 };
        var delay = Measure<TimeSpan>("--delay", "One way; a round trip takes twice as long [default: 0ms]", "10ms", Quantity.TryDuration);
        var rate = Measure<long>("--rate", "Bits in a second for each direction between two nodes [default: no limit]", "200Mbit", Quantity.TryRate);
        var queue = Measure<TimeSpan>("--queue", "The longest that packets wait for their turn before they are dropped [default: 50ms]", "50ms",
            Quantity.TryDuration);
        var loss = Measure<double>("--loss", "Share of the packets that are lost [default: 0%]", "0.1%", Quantity.TryShare);
        var nat = new Option<int[]>("--nat") { Description = "A node that nobody can dial; may be given several times", HelpName = "NODE" };
        var at = new Option<int?>("--at") { Description = "The node that COMMAND runs on [default: on this machine, outside the network]", HelpName = "NODE" };
        var seed = new Option<int>("--seed") { Description = "Decides which packets are lost", HelpName = "N", DefaultValueFactory = _ => 1 };
        var command = new Argument<string[]>("COMMAND")
        {
            Description = "After '--': what to run, with its arguments. It finds WAN_NODE_1, WAN_ADDRESS_1 and so on in its environment. " +
                "Without it, commands for the network are read from standard input ('help' lists them)",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var root = new RootCommand("A wide area network between network namespaces of this machine; needs root")
        {
            nodes, delay, rate, queue, loss, nat, at, seed, command,
        };
        root.SetAction(async (parse, cancellationToken) =>
        {
            try
            {
                var standard = new LinkSettings();
                var link = standard with
                {
                    Delay = parse.GetValue(delay) ?? standard.Delay,
                    BitsPerSecond = parse.GetValue(rate),
                    Queue = parse.GetValue(queue) ?? standard.Queue,
                    Loss = parse.GetValue(loss) ?? standard.Loss,
                };
                using var stop = new StopSignals(cancellationToken);
                using var network = EmulatedNetwork.Create(parse.GetValue(nodes), link, parse.GetValue(seed), clock);
                foreach (var node in parse.GetValue(nat) ?? [])
                    Find(network, node).RefusesConnections = true;
                var runsAt = parse.GetValue(at) is { } number ? Find(network, number) : null;
                Describe(network);
                if (parse.GetValue(command) is { Length: > 0 } words)
                    return await RunAsync(network, runsAt, words, clock, stop.Token);
                await new NetworkConsole(network, Console.In, Console.Out).RunAsync(stop.Token);
                return 0;
            }
            catch (Exception error) when (error is InvalidOperationException or ArgumentException)
            {
                Console.Error.WriteLine(error.Message);
                return Failed;
            }
        });
        return root;
    }

    private static EmulatedNode Find(EmulatedNetwork network, int number) => number >= 1 && number <= network.Nodes.Count
        ? network.Nodes[number - 1]
        : throw new ArgumentException($"There is no node {number}; they are numbered from 1 to {network.Nodes.Count}.");

    // Standard output is the command's alone.
    private static void Describe(EmulatedNetwork network)
    {
        for (var i = 0; i < network.Nodes.Count; i++)
            Console.Error.WriteLine($"node {i + 1}: {network.Nodes[i].Address} in {network.Nodes[i].Name}");
    }

    private static async Task<int> RunAsync(
        EmulatedNetwork network, EmulatedNode? node, string[] words, TimeProvider clock, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(words[0], words[1..]);
        for (var i = 0; i < network.Nodes.Count; i++)
        {
            var number = (i + 1).ToString(CultureInfo.InvariantCulture);
            start.Environment["WAN_NODE_" + number] = network.Nodes[i].Name;
            start.Environment["WAN_ADDRESS_" + number] = network.Nodes[i].Address.ToString();
        }
        Process process;
        try
        {
            process = Process.Start(node?.Enter(start) ?? start)!;
        }
        catch (Win32Exception error)
        {
            Console.Error.WriteLine($"{words[0]}: {error.Message}");
            const int NoEntry = 2;
            return error.NativeErrorCode == NoEntry ? NotFound : CannotRun;
        }
        using (process)
        {
            try
            {
                await process.WaitForExitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                await EndAsync(process, clock);
            }
            return process.ExitCode;
        }
    }

    // As this program was asked to end, so is the command; it has some time to put its things away.
    private static async Task EndAsync(Process process, TimeProvider clock)
    {
        SystemCalls.Terminate(process.Id);
        try
        {
            await process.WaitForExitAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10), clock);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static Option<T?> Measure<T>(string name, string description, string example, Reader<T> read)
        where T : struct => new(name)
        {
            Description = description,
            HelpName = example,
            CustomParser = result =>
            {
                if (read(result.Tokens[^1].Value, out var value))
                    return value;
                result.AddError($"{name} takes a number with a unit, for instance {example}, not '{result.Tokens[^1].Value}'.");
                return null;
            },
        };
}
