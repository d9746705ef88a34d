using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Client;
using Formation.Inference.Cli.Hosting;
using Spectre.Console;

namespace Formation.Inference.Cli.Models;

/// <summary><c>form models list</c>: what a server serves, or what this machine could serve where none runs.</summary>
static class ListCommand
{
    public static Command Create(CommandContext context)
    {
        var json = CommonOptions.Json();
        var data = CommonOptions.Data();
        var url = CommonOptions.Url();
        var key = CommonOptions.Key();
        var command = new Command("list", "Lists the models of the server, or of this machine where no server runs") { json, data, url, key };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var rows = await RowsAsync(parse, cancellationToken);
            if (parse.GetValue(json))
                context.Output.WriteJson(rows, ModelsJson.Default.IReadOnlyListModelRow);
            else
                context.Output.Text.Write(TableOf(rows));
            return ExitCode.Done;
        });
        return command;

        async Task<IReadOnlyList<ModelRow>> RowsAsync(ParseResult parse, CancellationToken cancellationToken)
        {
            try
            {
                using var client = new ServerClient(ServerAddress.Resolve(parse, url, key, context));
                return [.. (await client.ListModelsAsync(cancellationToken)).Select(RowOf)];
            }
            catch (CommandException error) when (error.ExitCode == ExitCode.ServerNotReachable && parse.GetValue(url) is null)
            {
                context.Output.Note("No server runs; these are the models that this machine would serve.");
                var registered = RegisteredModels.Load(parse.GetValue(data) ?? context.Folders.Data);
                return [.. ModelSources.Find(registered.Paths, null, []).Select(source => new ModelRow(source.Id, "available", null, null, source.Path, source.Origin))];
            }
        }
    }

    // What stands beside OpenAI's own fields is Formation's extension; another server leaves it out.
    private static ModelRow RowOf(JsonObject model) => new(
        model["id"]?.GetValue<string>() ?? "",
        model["state"]?.GetValue<string>() ?? "available",
        model["context_length"]?.GetValue<int>(),
        model["parameter_count"]?.GetValue<long>(),
        null,
        null);

    private static Table TableOf(IReadOnlyList<ModelRow> rows)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("id", "state", "context", "parameters", "file");
        foreach (var row in rows)
            table.AddRow(
                Markup.Escape(row.Id),
                row.State,
                row.ContextLength?.ToString("N0", CultureInfo.InvariantCulture) ?? "-",
                row.Parameters is { } parameters ? ParameterCount.Format(parameters) : "-",
                Markup.Escape(row.Path ?? "-"));
        return table;
    }
}
