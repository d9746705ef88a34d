using System.Text.Json;
using System.Threading.Channels;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Serving;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>
/// A worker's process: reads what its agent says on standard input, does it, and answers on standard output. It has a key of its own and none
/// of the node's secrets, and ends with its standard input, so that no worker outlives its agent.
/// </summary>
public static class WorkerHost
{
    /// <summary>Runs until the input ends.</summary>
    /// <param name="input">Lines of <see cref="WorkerCommand"/>.</param>
    /// <param name="output">For lines of <see cref="WorkerUpdate"/>.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="loggers">Makes the logs.</param>
    /// <returns>0, or 1 where the worker could not do what it was to do; the last line on the output says why.</returns>
    public static async Task<int> RunAsync(TextReader input, TextWriter output, TimeProvider clock, ILoggerFactory loggers)
    {
        if (await ReadAsync(input) is not { } first)
            return 0;
        using var identity = NodeIdentity.CreateInMemory(clock);
        var status = new StatusWriter(first.Order.Id, identity.Pin, output);
        using var relays = new WorkerRelays(identity, first.Gateways, clock);
        using var stop = new CancellationTokenSource();
        var commands = Channel.CreateUnbounded<WorkerCommand>();
        var reading = FollowAsync(input, commands.Writer, relays, stop);
        try
        {
            if (first.Order.Role == WorkerRole.Standby)
                status.Become(WorkerState.Ready);
            // A standby becomes what its first order with layers says.
            while (first.Order.Role == WorkerRole.Standby)
                first = await commands.Reader.ReadAsync(stop.Token);
            status.Become(WorkerState.Loading);
            using var device = new CpuDevice(first.Threads);
            var worker = new WorkerContext(identity, relays, device, status, clock, loggers);
            await (first.Order.Role == WorkerRole.Head
                ? HeadWorker.RunAsync(first, commands.Reader, worker, stop.Token)
                : StageWorker.RunAsync(first, commands.Reader, worker, stop.Token));
            return 0;
        }
        catch (Exception ended) when (ended is OperationCanceledException or ChannelClosedException && stop.IsCancellationRequested)
        {
            return 0;
        }
        catch (Exception error) when (error is GgufException or ModelLoadException or IOException or OutOfMemoryException or ArgumentException or UnauthorizedAccessException)
        {
            status.Become(WorkerState.Failed, error.Message);
            return 1;
        }
        finally
        {
            stop.Cancel();
            _ = reading;
        }
    }

    private static async Task FollowAsync(TextReader input, ChannelWriter<WorkerCommand> commands, WorkerRelays relays, CancellationTokenSource stop)
    {
        try
        {
            while (await ReadAsync(input) is { } command)
            {
                relays.Follow(command);
                // Who calls waits, and the rest of the command is known.
                if (command.Call is null)
                    commands.TryWrite(command);
            }
        }
        finally
        {
            await stop.CancelAsync();
            commands.TryComplete();
        }
    }

    private static async Task<WorkerCommand?> ReadAsync(TextReader input) =>
        await input.ReadLineAsync() is { Length: > 0 } line ? JsonSerializer.Deserialize(line, WorkerPipeJson.Default.WorkerCommand) : null;
}
