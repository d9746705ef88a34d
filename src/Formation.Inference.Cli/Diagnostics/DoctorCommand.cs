using System.CommandLine;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Client;
using Formation.Inference.Kernels.Machine;
using Spectre.Console;

namespace Formation.Inference.Cli.Diagnostics;

/// <summary><c>form doctor</c>: what this machine can do, what stands in the way, and what to do about it.</summary>
static class DoctorCommand
{
    public static Command Create(CommandContext context)
    {
        var json = CommonOptions.Json();
        var url = CommonOptions.Url();
        var key = CommonOptions.Key();
        var command = new Command("doctor", "Checks this machine, and the server that you are signed in to with its nodes and deployments") { json, url, key };
        command.SetAction(async (parse, cancellationToken) =>
        {
            List<Finding> findings = [.. MachineFindings.Of(MachineDescription.Read(), context.Time), .. InstallationFindings.OfFiles(context.Folders)];
            findings.Add(await ServerAsync(parse, cancellationToken));
            if (findings[^1].State == FindingState.Good)
                findings.AddRange(await ClusterFindings.OfServerAsync(ServerAddress.Resolve(parse, url, key, context), cancellationToken));
            if (parse.GetValue(json))
                context.Output.WriteJson<IReadOnlyList<Finding>>(findings, FindingsJson.Default.IReadOnlyListFinding);
            else
                context.Output.Text.Write(TableOf(findings));
            return findings.Any(finding => finding.State == FindingState.Problem) ? ExitCode.Failed : ExitCode.Done;
        });
        return command;

        async Task<Finding> ServerAsync(ParseResult parse, CancellationToken cancellationToken)
        {
            try
            {
                return await InstallationFindings.OfServerAsync(ServerAddress.Resolve(parse, url, key, context), cancellationToken);
            }
            catch (CommandException error) when (error.ExitCode == ExitCode.Failed)
            {
                return new Finding("server", FindingState.Problem, "the saved key can't be read", error.Message);
            }
        }
    }

    private static Table TableOf(IEnumerable<Finding> findings)
    {
        var table = new Table().Border(TableBorder.None).HideHeaders().AddColumns("", "", "");
        foreach (var finding in findings)
        {
            var mark = finding.State switch
            {
                FindingState.Good => "[green]ok[/]",
                FindingState.Advice => "[yellow]advice[/]",
                _ => "[red]problem[/]",
            };
            table.AddRow(mark, Markup.Escape(finding.Name), Markup.Escape(finding.Value));
            if (finding.Advice is { } advice)
                table.AddRow("", "", $"[italic]{Markup.Escape(advice)}[/]");
        }
        return table;
    }
}
