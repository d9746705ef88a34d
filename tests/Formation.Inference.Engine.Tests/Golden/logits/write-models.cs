#:project ../../../Testing/Formation.Inference.Testing.csproj
#:property TreatWarningsAsErrors=false
#:property NoWarn=$(NoWarn);CA1416

// dotnet run write-models.cs DIRECTORY: writes the golden models, for make-golden.mjs.
using Formation.Inference.Testing.Models;

Directory.CreateDirectory(args[0]);
foreach (var (name, options) in GoldenModels.All)
    TinyModel.Build(Path.Combine(args[0], name + ".gguf"), options);
