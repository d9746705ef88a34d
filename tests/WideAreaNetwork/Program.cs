using System.CommandLine;
using Formation.Inference.WideAreaNetwork.CommandLine;

return await NetworkCommand.Create(TimeProvider.System).Parse(args).InvokeAsync(
    // The command line's own handler of signals begins only when a command first waits: too late for the namespaces made before.
    new InvocationConfiguration { ProcessTerminationTimeout = null });
