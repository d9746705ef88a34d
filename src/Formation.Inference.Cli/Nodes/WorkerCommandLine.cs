using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Formation.Inference.Cli.Client;
using Formation.Inference.Cli.Hosting;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Gateway.Telemetry;
using Formation.Inference.Node;
using Formation.Inference.Node.Workers.Hosting;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Cli.Nodes;

/// <summary><c>form node worker</c>: what a node's agent starts for each part of a model. Not for people: it speaks on its standard streams.</summary>
static class WorkerCommandLine
{
    private const string OtlpName = "--otlp";

    public static Command Create(CommandContext context)
    {
        var otlp = Otlp();
        var command = new Command("worker", "Runs a part of a model for this node's agent") { otlp };
        command.Hidden = true;
        command.SetAction(async (parse, _) =>
        {
            using var traces = AddressOf(parse, otlp) is { } endpoint ? TraceExport.Start(endpoint, NodeTraces.Name, EngineMetrics.Name) : null;
            // Ctrl+C in the agent's terminal reaches this process, too: the agent says when it is over.
            using var interrupts = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = true);
            using var loggers = LoggerFactory.Create(ServerLogging.Configure);
            using var input = new StreamReader(context.Input.OpenBytes(), new UTF8Encoding(false));
            return await WorkerHost.RunAsync(input, context.Output.Out, context.Time, loggers);
        });
        return command;
    }

    /// <summary>Where heads and stages of a node send their spans.</summary>
    public static Option<string?> Otlp() => new(OtlpName)
    {
        Description = "Send traces of this node's heads and stages to this OTLP/gRPC address [default: none are made]",
        HelpName = "URL",
    };

    /// <exception cref="CommandException">What was given is no address.</exception>
    public static Uri? AddressOf(ParseResult parse, Option<string?> otlp) =>
        parse.GetValue(otlp) is { } endpoint ? ServerAddress.ParseUrl(endpoint) : null;

    /// <summary>The same program, as a worker.</summary>
    /// <param name="otlp">Where it is to send its spans, or null.</param>
    public static ProcessStartInfo StartInfo(Uri? otlp)
    {
        var program = Environment.ProcessPath ?? throw new InvalidOperationException("This process does not know its own program.");
        string[] command = otlp is null ? ["node", "worker"] : ["node", "worker", OtlpName, otlp.ToString()];
        // Run by the runtime's own launcher, the program is the library that it was given.
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
            command = [Path.Combine(AppContext.BaseDirectory, "form.dll"), .. command];
        return new ProcessStartInfo(program, command) { UseShellExecute = false };
    }
}
