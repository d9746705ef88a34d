using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Formation.Inference.Cli.Hosting;

/// <summary>Logs of processes that serve. Standard output belongs to what a script reads; all logs go to standard error.</summary>
static class ServerLogging
{
    public static void Configure(ILoggingBuilder logging)
    {
        logging.ClearProviders();
        logging.AddSimpleConsole(console => console.SingleLine = true);
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        logging.SetMinimumLevel(LogLevel.Warning);
        // A failed bind is told in the command's own words.
        logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
    }
}
