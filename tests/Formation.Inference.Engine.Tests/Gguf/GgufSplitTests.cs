using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Testing.Files;

namespace Formation.Inference.Engine.Tests.Gguf;

public sealed class GgufSplitTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_split_model_is_joined_whichever_part_is_named(int part)
    {
        WriteModel();

        using var file = GgufFile.Open(Part(part));

        Assert.Equal([Part(1), Part(2), Part(3)], file.Paths);
        Assert.Equal("llama", file.Metadata.RequireString("general.architecture"));
        Assert.Equal(["t0", "t1", "t2", "t3", "t4"], file.Tensors.Select(tensor => tensor.Name));
        for (var i = 0; i < 5; i++)
            Assert.Equal((byte)i, file.RequireTensor($"t{i}").Data.Span(0, 1)[0]);
        Assert.Equal(file.Paths.Sum(path => new FileInfo(path).Length), file.Length);
    }

    [Fact]
    public void A_split_into_one_part_is_a_whole_file()
    {
        Writer().WriteSplit(_folder.File("one"), 100);

        using var file = GgufFile.Open(_folder.File("one-00001-of-00001.gguf"));
        Assert.Equal(5, file.Tensors.Count);
    }

    [Fact]
    public void A_missing_part_is_named()
    {
        WriteModel();
        File.Delete(Part(3));

        AssertRefused(GgufErrorKind.MissingPart, "model-00003-of-00003.gguf", "part 3 of 3");
    }

    [Fact]
    public void A_missing_first_part_is_named()
    {
        WriteModel();
        File.Delete(Part(1));

        var error = Assert.Throws<GgufException>(() => GgufFile.Open(Part(2)));
        Assert.Equal(GgufErrorKind.MissingPart, error.Kind);
        Assert.Contains("model-00001-of-00003.gguf", error.Message);
    }

    [Fact]
    public void Parts_under_each_others_names_are_refused()
    {
        WriteModel();
        File.Move(Part(2), _folder.File("aside"));
        File.Move(Part(3), Part(2));
        File.Move(_folder.File("aside"), Part(3));

        AssertRefused(GgufErrorKind.SplitMismatch, "part 3 of 3", "-00003-of-00003.gguf");
    }

    [Fact]
    public void A_part_under_a_name_without_numbers_is_refused()
    {
        WriteModel();
        File.Move(Part(1), _folder.File("renamed.gguf"));

        var error = Assert.Throws<GgufException>(() => GgufFile.Open(_folder.File("renamed.gguf")));
        Assert.Equal(GgufErrorKind.SplitMismatch, error.Kind);
        Assert.Contains("must be named", error.Message);
    }

    [Fact]
    public void A_whole_file_in_the_place_of_a_part_is_refused()
    {
        WriteModel();
        Writer().Write(Part(2));

        AssertRefused(GgufErrorKind.SplitMismatch, "model-00002", "no part of a split model");
    }

    [Fact]
    public void A_part_of_a_split_into_another_number_of_parts_is_refused()
    {
        WriteModel();
        ReplacePart(2, index: 1, count: 4, tensorCount: 5);

        AssertRefused(GgufErrorKind.SplitMismatch, "part 2 of 4");
    }

    [Fact]
    public void A_part_of_a_model_with_another_number_of_tensors_is_refused()
    {
        WriteModel();
        ReplacePart(2, index: 1, count: 3, tensorCount: 9);

        AssertRefused(GgufErrorKind.SplitMismatch, "9 tensors", "5");
    }

    [Fact]
    public void A_part_of_another_model_is_refused()
    {
        WriteModel();
        ReplacePart(2, index: 1, count: 3, tensorCount: 5, writer => writer.Add("general.architecture", "qwen2"));

        AssertRefused(GgufErrorKind.SplitMismatch, "general.architecture", "differs");
    }

    [Fact]
    public void Fewer_tensors_than_promised_are_refused()
    {
        WriteModel();
        ReplacePart(2, index: 1, count: 3, tensorCount: 5, writer => writer.AddTensor("t2", TensorType.I8, [1], new byte[1]));

        AssertRefused(GgufErrorKind.SplitMismatch, "hold 4 tensors", "promise 5");
    }

    [Fact]
    public void A_tensor_in_two_parts_is_refused()
    {
        WriteModel();
        ReplacePart(3, index: 2, count: 3, tensorCount: 5, writer => writer.AddTensor("t0", TensorType.I8, [1], new byte[1]));

        AssertRefused(GgufErrorKind.DuplicateTensor, "'t0'", "two parts");
    }

    [Fact]
    public void Impossible_numbers_of_parts_are_refused()
    {
        WriteModel();

        ReplacePart(1, index: 3, count: 3, tensorCount: 5);
        AssertRefused(GgufErrorKind.OutOfRange, "split.no", "0 to 2");
        ReplacePart(1, index: 0, count: 60_000, tensorCount: 5);
        AssertRefused(GgufErrorKind.OutOfRange, "split.count", "60000", "1024");
        ReplacePart(1, index: 0, count: 3, tensorCount: -1);
        AssertRefused(GgufErrorKind.OutOfRange, "split.tensors.count", "-1");
        var writer = new GgufWriter();
        writer.Add("split.count", (ushort)3);
        writer.Write(Part(1));
        AssertRefused(GgufErrorKind.MissingKey, "split.no");
        writer = new GgufWriter();
        writer.Add("split.count", "3");
        writer.Write(Part(1));
        AssertRefused(GgufErrorKind.WrongType, "split.count");
    }

    [Fact]
    public void A_damaged_part_is_named()
    {
        WriteModel();
        File.WriteAllBytes(Part(2), File.ReadAllBytes(Part(2))[..40]);

        AssertRefused(GgufErrorKind.Truncated, "model-00002-of-00003.gguf");
    }

    [Fact]
    public void The_parts_of_a_refused_model_are_closed_again()
    {
        WriteModel();
        File.Delete(Part(3));
        Assert.Throws<GgufException>(() => GgufFile.Open(Part(1)));

        using var exclusive = new FileStream(Part(1), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Assert.True(exclusive.CanWrite);
    }

    private static GgufWriter Writer()
    {
        var writer = new GgufWriter();
        writer.Add("general.architecture", "llama");
        for (var i = 0; i < 5; i++)
            writer.AddTensor($"t{i}", TensorType.I8, [1], new[] { (byte)i });
        return writer;
    }

    private string Part(int number) => _folder.File($"model-0000{number}-of-00003.gguf");

    private void WriteModel() => Assert.Equal([Part(1), Part(2), Part(3)], Writer().WriteSplit(_folder.File("model"), 2));

    private void ReplacePart(int number, int index, int count, int tensorCount, Action<GgufWriter>? fill = null)
    {
        var writer = new GgufWriter();
        writer.Add("split.no", (ushort)index);
        writer.Add("split.count", (ushort)count);
        writer.Add("split.tensors.count", tensorCount);
        fill?.Invoke(writer);
        writer.Write(Part(number));
    }

    private void AssertRefused(GgufErrorKind kind, params string[] parts)
    {
        var error = Assert.Throws<GgufException>(() => GgufFile.Open(Part(1)));
        Assert.Equal(kind, error.Kind);
        Assert.All(parts, part => Assert.Contains(part, error.Message));
    }
}
