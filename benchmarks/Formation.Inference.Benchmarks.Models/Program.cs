using System.CommandLine;
using Formation.Inference.Benchmarks.Models;

var shape = new Argument<string>("shape") { Description = "135m, 1b or 8b" };
shape.AcceptOnlyFromAmong([.. BenchmarkModel.Shapes.Keys]);
var formats = new Argument<string[]>("format")
{
    Description = "Storage of the matrices, for instance q4_k; 'all' is every format that the engine computes",
    Arity = ArgumentArity.OneOrMore,
};
formats.AcceptOnlyFromAmong(["all", .. BenchmarkModel.Formats.Keys]);
var folder = new Option<DirectoryInfo>("--to")
{
    Description = "Folder of the files",
    DefaultValueFactory = _ => new DirectoryInfo(Environment.CurrentDirectory),
};
var command = new RootCommand("Writes models with random weights in the shapes of real ones, for measurements") { shape, formats, folder };
command.SetAction(parse =>
{
    var names = parse.GetValue(formats)!;
    var wanted = names.Contains("all") ? BenchmarkModel.Formats.Keys : names.Distinct();
    var target = Directory.CreateDirectory(parse.GetValue(folder)!.FullName);
    foreach (var format in wanted)
        Console.WriteLine(BenchmarkModel.Write(parse.GetValue(shape)!, format, target.FullName));
});
return command.Parse(args).Invoke();
