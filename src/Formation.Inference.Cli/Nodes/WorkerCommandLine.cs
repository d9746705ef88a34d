using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Formation.Inference.Cli.Hosting;
using Formation.Inference.Node.Workers.Hosting;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Cli.Nodes;

/// <summary><c>form node worker</c>: what a node's agent starts for each part of a model. Not for people: it speaks on its standard streams.</summary>
static class WorkerCommandLine
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("worker", "Runs a part of a model for this node's agent") { Hidden = true };
        command.SetAction(async (_, _) =>
        {
            // Ctrl+C in the agent's terminal reaches this process, too: the agent says when it is over.
            using var interrupts = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = true);
            using var loggers = LoggerFactory.Create(ServerLogging.Configure);
            using var input = new StreamReader(context.Input.OpenBytes(), new UTF8Encoding(false));
            return await WorkerHost.RunAsync(input, context.Output.Out, context.Time, loggers);
        });
        return command;
    }

    /// <summary>The same program, as a worker.</summary>
    public static ProcessStartInfo StartInfo()
    {
        var program = Environment.ProcessPath ?? throw new InvalidOperationException("This process does not know its own program.");
        string[] command = ["node", "worker"];
        // Run by the runtime's own launcher, the program is the library that it was given.
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
            command = [Path.Combine(AppContext.BaseDirectory, "form.dll"), .. command];
        return new ProcessStartInfo(program, command) { UseShellExecute = false };
    }
}
