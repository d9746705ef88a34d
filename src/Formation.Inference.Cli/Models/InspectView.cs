using System.Globalization;
using System.Text.RegularExpressions;
using Formation.Inference.Cli.Arguments;
using Formation.Inference.Cli.Terminal;
using Spectre.Console;

namespace Formation.Inference.Cli.Models;

/// <summary>
/// An <see cref="InspectReport"/> as a person reads it: facts, formats, memory, and the tensors with equal layers on one row.
/// </summary>
static partial class InspectView
{
    public static void Write(CommandOutput output, InspectReport report)
    {
        output.Text.Write(Facts(report));
        if (report.Model.Types.Count > 0)
            output.Text.Write(Formats(report));
        if (report.Model.Memory is not null)
            output.Text.Write(Memory(report));
        if (report.TensorList.Count > 0)
            output.Text.Write(Tensors(report));
        if (report.Reason is { } reason)
            output.Out.WriteLine($"This engine does not run it: {reason}.");
    }

    private static Table Facts(InspectReport report)
    {
        var model = report.Model;
        var table = new Table().Border(TableBorder.None).HideHeaders().AddColumns("", "");
        void Row(string name, string? value) => table.AddRow(name, Markup.Escape(value ?? "-"));

        Row("file", report.Files[0] + (report.Files.Count > 1 ? $" and {report.Files.Count - 1} more" : ""));
        Row("size", ByteSize.Format(model.FileBytes));
        Row("name", model.Name);
        Row("licence", model.License);
        Row("architecture", model.Architecture);
        Row("parameters", model.Tensors > 0 ? $"{ParameterCount.Format(model.Parameters)} ({Number(model.Parameters)})" : null);
        Row("context", Number(model.ContextLength));
        Row("layers", Number(model.Layers));
        Row("hidden size", Number(model.HiddenSize));
        Row("heads", model.Heads is null ? null : $"{Number(model.Heads)}, {Number(model.KvHeads)} for keys and values");
        Row("vocabulary", Number(model.VocabularySize));
        Row("tokenizer", model.PreTokenizer is null ? model.Tokenizer : $"{model.Tokenizer}, {model.PreTokenizer}");
        Row("chat template", model.HasChatTemplate ? "yes" : "no");
        Row("format", $"GGUF {model.FormatVersion}");
        return table;
    }

    private static Table Formats(InspectReport report)
    {
        var table = Columns("quantisation", "tensors", "parameters", "bytes", "share");
        foreach (var share in report.Model.Types)
            table.AddRow(
                share.Type.ToString(),
                Number(share.Tensors)!,
                ParameterCount.Format(share.Parameters),
                ByteSize.Format(share.Bytes),
                share.Share.ToString("P1", CultureInfo.InvariantCulture));
        return table;
    }

    private static Table Memory(InspectReport report)
    {
        var memory = report.Model.Memory!;
        var table = Columns("memory", "");
        table.AddRow("weights", ByteSize.Format(memory.Weights));
        table.AddRow($"KV cache of {Number(memory.ContextLength)} tokens, f16", ByteSize.Format(memory.KvCacheF16));
        table.AddRow($"KV cache of {Number(memory.ContextLength)} tokens, q8", ByteSize.Format(memory.KvCacheQ8));
        table.AddRow("scratch", ByteSize.Format(memory.Scratch));
        table.AddRow("together, with f16", ByteSize.Format(memory.Total));
        return table;
    }

    private static Table Tensors(InspectReport report)
    {
        var table = Columns("tensor", "number", "type", "shape", "bytes");
        // Grouping keeps the order in which the names occur first.
        var kinds = report.TensorList.GroupBy(tensor =>
            (Name: LayerNumber.Replace(tensor.Name, "blk.*."), tensor.Type, Shape: ShapeOf(tensor)));
        foreach (var group in kinds)
            table.AddRow(
                Markup.Escape(group.Count() == 1 ? group.First().Name : group.Key.Name),
                Number(group.Count())!,
                group.Key.Type.ToString(),
                group.Key.Shape,
                ByteSize.Format(group.Sum(tensor => tensor.Bytes)));
        return table;
    }

    private static Table Columns(params string[] names)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns(names);
        foreach (var column in table.Columns.Skip(1))
            column.NoWrap().RightAligned();
        return table;
    }

    private static string ShapeOf(InspectedTensor tensor) => string.Join(" x ", tensor.Shape);

    private static string? Number(long? value) => value?.ToString("N0", CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\Ablk\.[0-9]+\.", RegexOptions.CultureInvariant)]
    private static partial Regex LayerNumber { get; }
}
